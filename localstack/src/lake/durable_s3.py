"""LocalStack whose S3 keeps its objects: python durable_s3.py FOLDER CACHE

LocalStack's own S3 lives in memory. Here every object is in FOLDER/{bucket}/, synced, before LocalStack shows it to
anybody or acknowledges it, and is shown again after a start; so a kill at any moment loses nothing that was
acknowledged. Buckets with versions are left as they are, in memory. CACHE is where LocalStack keeps what it works out
from its API specifications, which takes it half a minute.

Written for the version that the runner installs; the lake's conformance suite runs over it.
"""

import hashlib
import io
import json
import os
import sys
import threading
from datetime import datetime

ROOT, CACHE = (os.path.abspath(argument) for argument in sys.argv[1:3])

from localstack import config

os.makedirs(CACHE, exist_ok=True)
config.dirs.cache = CACHE

from localstack.constants import DEFAULT_AWS_ACCOUNT_ID
from localstack.runtime import main
from localstack.services.s3 import models, provider
from localstack.services.s3.storage.ephemeral import EphemeralS3ObjectStore
from localstack.services.s3.utils import get_owner_for_account_id

KEPT = ("key", "storage_class", "user_metadata", "system_metadata", "checksum_algorithm", "checksum_value", "etag")


def sync(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Storage(EphemeralS3ObjectStore):
    """The contents."""

    current = None

    def __init__(self, *arguments):
        super().__init__(*arguments)
        Storage.current = self

    def content(self, bucket, s3_object):
        """The bytes; the caller may be the one who writes them, so no lock is asked for."""
        file = self._get_object_file(bucket, self._key_from_s3_object(s3_object))
        with file.position_lock:
            file.seek(0)
            return file.read()


class KeptKeys(models.KeyStore):
    """The objects of a bucket: an object's file is its description as a line of JSON, then its bytes."""

    def __init__(self, bucket):
        super().__init__()
        self.bucket = bucket
        self.folder = os.path.join(ROOT, bucket)
        os.makedirs(self.folder, exist_ok=True)
        sync(ROOT)
        for name in os.listdir(self.folder):
            path = os.path.join(self.folder, name)
            if name.endswith(".staged"):
                os.remove(path)
            else:
                self._show(path)

    def set(self, object_key, s3_object):
        description = {name: getattr(s3_object, name) for name in KEPT}
        description["last_modified"] = s3_object.last_modified.isoformat()
        content = Storage.current.content(self.bucket, s3_object)
        path = self._path(object_key)
        staged = f"{path}.{threading.get_ident()}.staged"
        with open(staged, "wb") as file:
            file.write(json.dumps(description).encode() + b"\n")
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
        sync(self.folder)
        super().set(object_key, s3_object)

    def pop(self, object_key, default=None):
        found = super().pop(object_key, default)
        try:
            os.remove(self._path(object_key))
            sync(self.folder)
        except FileNotFoundError:
            pass
        return found

    def _path(self, key):
        return os.path.join(self.folder, hashlib.sha256(key.encode()).hexdigest())

    def _show(self, path):
        with open(path, "rb") as file:
            description = json.loads(file.readline())
            content = io.BytesIO(file.read())
        modified, etag = description.pop("last_modified"), description.pop("etag")
        shown = models.S3Object(**description, owner=get_owner_for_account_id(DEFAULT_AWS_ACCOUNT_ID))
        with Storage.current.open(self.bucket, shown, "w") as stored:
            stored.write(content)
        shown.etag, shown.last_modified = etag, datetime.fromisoformat(modified)
        super().set(shown.key, shown)


class KeptBucket(models.S3Bucket):
    def __init__(self, name, *arguments, **named):
        super().__init__(name, *arguments, **named)
        if type(self.objects) is models.KeyStore:
            self.objects = KeptKeys(name)


def after_init(self, original=provider.S3Provider.on_after_init):
    """Buckets are back before the first request is answered."""
    original(self)
    for name in sorted(os.listdir(ROOT)):
        owner = get_owner_for_account_id(DEFAULT_AWS_ACCOUNT_ID)
        region = provider.AWS_REGION_US_EAST_1
        self._storage_backend.create_bucket(name)
        bucket = KeptBucket(name, DEFAULT_AWS_ACCOUNT_ID, region, owner)
        store = self.get_store(DEFAULT_AWS_ACCOUNT_ID, region)
        store.buckets[name] = bucket
        store.global_bucket_map[name] = DEFAULT_AWS_ACCOUNT_ID


os.makedirs(ROOT, exist_ok=True)
provider.EphemeralS3ObjectStore = Storage
provider.S3Bucket = KeptBucket
provider.S3Provider.on_after_init = after_init

if __name__ == "__main__":
    main.main()
