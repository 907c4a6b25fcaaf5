//! What an answer of S3 means: worth another try, or something that somebody has to mend.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::super::StoreError;

/// What was asked, in the words of an error.
pub(super) struct Request<'a> {
    pub(super) operation: &'static str,
    pub(super) bucket: &'a str,
    pub(super) key: String,
}

/// What the store said, in one line.
#[derive(Debug, thiserror::Error)]
#[error("it answered {status} {code}{}", note(message))]
struct Said {
    status: u16,
    code: String,
    message: String,
}

fn note(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

/// The HTTP status, where there was an answer.
pub(super) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

/// S3's code of the error, where there was an answer that has one.
pub(super) fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error()?.code()
}

impl Request<'_> {
    fn object(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    /// The error of a request that failed.
    pub(super) fn failed<E>(&self, error: SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let Some(status) = status(&error) else {
            return self.unanswered(error);
        };
        let said = Said {
            status,
            code: code(&error).unwrap_or_default().to_owned(),
            message: error
                .as_service_error()
                .and_then(ProvideErrorMetadata::message)
                .unwrap_or_default()
                .to_owned(),
        };
        match self.refusal(&said) {
            Some(reason) => self.refused(reason, said),
            None => self.unavailable(said),
        }
    }

    /// What somebody has to mend, if another try would be answered the same.
    fn refusal(&self, said: &Said) -> Option<String> {
        let bucket = self.bucket;
        let reason = match (said.code.as_str(), said.status) {
            ("NoSuchBucket", _) => {
                format!("there is no bucket `{bucket}`: make it, or name another one")
            }
            (
                "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken"
                | "TokenRefreshRequired",
                _,
            ) => "the credentials are not accepted: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or AWS_PROFILE".to_owned(),
            ("PermanentRedirect" | "AuthorizationHeaderMalformed", _) | ("", 301 | 307) => {
                format!("the bucket `{bucket}` is in another region: set AWS_REGION to its own")
            }
            (_, 401 | 403) => format!("access to the bucket `{bucket}` is denied to these credentials"),
            (_, 501) => "this store cannot create an object only if it is absent (If-None-Match), without which rows would be doubled".to_owned(),
            // An answer that was cut off; a slow upload, which S3 calls a bad request; a store that is busy.
            (_, ..=299) | ("RequestTimeout", _) | (_, 408 | 429 | 500..) => return None,
            _ => "the request is not accepted".to_owned(),
        };
        Some(reason)
    }

    /// No answer: it was too slow, nobody listens, or the request was never sent.
    fn unanswered<E>(&self, error: SdkError<E, HttpResponse>) -> StoreError
    where
        E: Error + Send + Sync + 'static,
    {
        let was_never_sent = match &error {
            SdkError::ConstructionFailure(_) => true,
            SdkError::DispatchFailure(failure) => failure.is_user() || failure.is_other(),
            _ => false,
        };
        let source = error.into_source().unwrap_or_else(Into::into);
        if was_never_sent && mentions_credentials(source.as_ref()) {
            let reason = "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE";
            return self.refused(reason.to_owned(), source);
        }
        self.unavailable(source)
    }

    pub(super) fn unavailable(
        &self,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> StoreError {
        StoreError::Unavailable {
            operation: self.operation,
            object: self.object(),
            source: source.into(),
        }
    }

    fn refused(
        &self,
        reason: String,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> StoreError {
        StoreError::Refused {
            operation: self.operation,
            object: self.object(),
            reason,
            source: source.into(),
        }
    }
}

/// Whether the chain of causes ends at credentials; the SDK has no kind for it.
fn mentions_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<aws_credential_types::provider::error::CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
