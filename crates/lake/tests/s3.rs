//! The store on S3: the suite over LocalStack, connections that are cut, and every answer that S3 has for us.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use lake::{Created, Gaps, Store, StoreError, holdings};
use support::localstack::{LocalStack, store};
use support::stub::{answer, cutting, error, scripted};
use support::suite::{conforms, path};
use support::{batch, chain, link, stored, timestamps};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_localstack() {
    let Some(localstack) = LocalStack::start().await else {
        return;
    };
    let address = localstack.address();
    for url in ["s3://whole", "s3://part/of/it"] {
        let store = store(url, &address);
        store.make_bucket().await.unwrap();
        store.make_bucket().await.unwrap();
        assert!(store.list("", None).await.unwrap().is_empty());
    }
    conforms(Arc::new(store("s3://part/of/it", &address))).await;
    an_object_is_described_and_read_in_part(&address).await;
    a_cut_answer_is_an_error_of_something_done(&address).await;
    a_chain_gets_over_cut_answers(&address).await;
    holdings_have_one_winner(&address).await;
    a_bucket_that_is_not_there_is_named(&address).await;
}

async fn an_object_is_described_and_read_in_part(address: &str) {
    let store = store("s3://whole", address);
    let name = path("described/object");
    let body: Vec<u8> = (0..=255).cycle().take(5_000).collect();
    store.create(&name, body.clone().into()).await.unwrap();
    let described = store.describe(&name).await.unwrap();
    assert_eq!((&described.path, described.size), (&name, 5_000));
    let listed = store.describe_all("described", None).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].size, &listed[0].etag), (5_000, &described.etag));
    let ranges: [Range<usize>; 3] = [0..1, 4_000..5_000, 4_999..9_000];
    for range in ranges {
        let asked = range.start as u64..range.end as u64;
        let part = store.part(&name, Some(asked)).await.unwrap();
        let end = range.end.min(5_000);
        assert_eq!(part.body, body[range.start..end]);
        assert_eq!(part.range, range.start as u64..end as u64);
        assert_eq!(part.of.size, 5_000);
    }
    let absent = store.describe(&path("described/none")).await;
    assert!(matches!(absent, Err(StoreError::NotFound { .. })));
}

async fn a_cut_answer_is_an_error_of_something_done(address: &str) {
    let proxy = cutting(address.to_owned(), 1).await;
    let (cut, whole) = (
        store("s3://whole", &proxy.address),
        store("s3://whole", address),
    );
    let name = path("cut/object");
    let lost = cut.create(&name, Bytes::from_static(b"mine")).await;
    let lost = lost.unwrap_err();
    assert!(lost.is_retryable(), "{lost:?}");
    assert_eq!(proxy.count(), 1, "one request, and none behind our back");
    assert_eq!(whole.read(&name).await.unwrap(), "mine");
    let again = whole.create(&name, Bytes::from_static(b"other")).await;
    assert_eq!(again.unwrap(), Created::Exists);
    assert_eq!(cut.read(&name).await.unwrap(), "mine");
}

async fn a_chain_gets_over_cut_answers(address: &str) {
    let proxy = cutting(address.to_owned(), 3).await;
    let cut: Arc<dyn Store> = Arc::new(store("s3://whole/chain", &proxy.address));
    let mut chain = chain(&cut, 0);
    for start in (0..200).step_by(10) {
        // Each batch comes twice, the second time cut anew.
        for offsets in [start..start + 10, start + 5..start + 10] {
            let stamps = timestamps(0, offsets.clone());
            let done = chain.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &offsets));
            done.await.unwrap();
        }
    }
    assert!(proxy.count() >= 5, "{} cuts", proxy.count());
    let offsets = stored(&cut, 0).await;
    assert_eq!(offsets, (0..200).collect::<Vec<i64>>());
}

async fn holdings_have_one_winner(address: &str) {
    let store = store("s3://whole/holdings", address);
    holdings::seed(&store).await.unwrap();
    let portfolio = domain::initial_portfolios().into_iter().next().unwrap();
    let changes = (0..8).map(|_| holdings::put(&store, portfolio.clone()));
    let mut versions: Vec<u64> = futures::future::join_all(changes)
        .await
        .into_iter()
        .map(|changed| changed.unwrap().version)
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..10).collect::<Vec<u64>>());
    let latest = holdings::latest(&store).await.unwrap();
    assert_eq!(latest[0].version, 9);
}

async fn a_bucket_that_is_not_there_is_named(address: &str) {
    let store = store("s3://nowhere", address);
    for error in [
        store.list("ticks", None).await.unwrap_err(),
        store.create(&path("a"), Bytes::new()).await.unwrap_err(),
        store.read(&path("a")).await.unwrap_err(),
    ] {
        assert!(!error.is_retryable());
        let said = error.to_string();
        assert!(said.contains("there is no bucket `nowhere`"), "{said}");
    }
}

/// Creates `a` on a server that answers so; says what came of it, and how many requests it took.
async fn created(answers: Vec<String>) -> (Result<Created, StoreError>, usize) {
    let server = scripted(answers).await;
    let store = store("s3://lake", &server.address);
    let done = store.create(&path("a"), Bytes::from_static(b"x")).await;
    (done, server.count())
}

#[tokio::test]
async fn a_name_that_is_taken_exists() {
    let (done, requests) = created(vec![error(412, "PreconditionFailed")]).await;
    assert_eq!((done.unwrap(), requests), (Created::Exists, 1));
}

#[tokio::test]
async fn a_conflict_wrote_nothing_and_is_settled_by_asking_again() {
    let conflict = error(409, "ConditionalRequestConflict");
    let answers = vec![conflict.clone(), conflict.clone(), answer(200, "")];
    let (done, requests) = created(answers).await;
    assert_eq!((done.unwrap(), requests), (Created::New, 3));

    let taken = vec![conflict.clone(), error(412, "PreconditionFailed")];
    let (done, requests) = created(taken).await;
    assert_eq!((done.unwrap(), requests), (Created::Exists, 2));

    let (done, _) = created(vec![conflict]).await;
    let error = done.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }) && error.is_retryable());
}

#[tokio::test]
async fn a_store_that_is_busy_is_tried_again_by_the_caller_alone() {
    for busy in [
        error(503, "SlowDown"),
        error(500, "InternalError"),
        error(429, "TooManyRequests"),
        error(400, "RequestTimeout"),
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n".to_owned(),
        "no HTTP\r\n\r\n".to_owned(),
    ] {
        let (done, requests) = created(vec![busy.clone()]).await;
        match done {
            Err(error) => assert!(error.is_retryable(), "{busy}: {error:?}"),
            // The object stands: nothing that is missing from the answer could change that.
            Ok(done) => assert_eq!((done, busy.contains("200 OK")), (Created::New, true)),
        }
        assert_eq!(requests, 1, "{busy}");
    }
}

#[tokio::test]
async fn silence_ends() {
    let (done, requests) = created(vec![String::new()]).await;
    let error = done.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn nobody_there_may_come_back() {
    let address = scripted(vec![String::new()]).await.address.clone();
    let error = store("s3://lake", &address)
        .create(&path("a"), Bytes::new())
        .await
        .unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn what_somebody_has_to_mend_is_said() {
    for (status, code, said) in [
        (403, "AccessDenied", "access to the bucket `lake` is denied"),
        (403, "InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
        (400, "ExpiredToken", "AWS_SESSION_TOKEN"),
        (404, "NoSuchBucket", "there is no bucket `lake`"),
        (301, "PermanentRedirect", "AWS_REGION"),
        (400, "AuthorizationHeaderMalformed", "AWS_REGION"),
        (501, "NotImplemented", "If-None-Match"),
        (400, "InvalidArgument", "the request is not accepted"),
    ] {
        let (done, requests) = created(vec![error(status, code)]).await;
        let refused = done.unwrap_err();
        assert!(!refused.is_retryable(), "{code}: {refused:?}");
        let text = refused.to_string();
        assert!(text.contains(said), "{code}: {text}");
        assert!(text.contains("s3://lake/a"), "{code}: {text}");
        assert_eq!(requests, 1, "{code}");
    }
}

#[tokio::test]
async fn a_reading_is_tried_again() {
    let busy = error(503, "SlowDown");
    let server = scripted(vec![busy.clone(), busy, answer(200, "content")]).await;
    let store = store("s3://lake", &server.address);
    assert_eq!(store.read(&path("a")).await.unwrap(), "content");
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn half_an_object_is_none() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf".to_owned();
    let server = scripted(vec![half]).await;
    let store = store("s3://lake", &server.address);
    let error = store.read(&path("a")).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}
