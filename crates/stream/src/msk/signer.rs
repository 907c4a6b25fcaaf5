//! MSK's tokens: a presigned URL of the action `kafka-cluster:Connect`, as text.

use std::error::Error;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign as sign_request,
};
use aws_sigv4::sign::v4::SigningParams;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokio::sync::OnceCell;
use url::Url;

use super::{Access, configuration};
use crate::{Token, TokenError, TokenSource};

/// How long a token is good for, by MSK's rules.
pub const LIFE: Duration = Duration::from_secs(900);

const SERVICE: &str = "kafka-cluster";
/// For MSK's logs. It is no part of what is signed.
const USER_AGENT: &str = concat!("tidemill/", env!("CARGO_PKG_VERSION"));

/// Signs tokens with the credentials that the process has when it is asked.
pub struct Signer {
    region: String,
    access: Access,
    provider: OnceCell<SharedCredentialsProvider>,
}

impl Signer {
    /// A signer for the clusters of a region; credentials are looked for with the first token.
    pub fn new(region: String, access: Access) -> Self {
        Self {
            region,
            access,
            provider: OnceCell::new(),
        }
    }
}

#[async_trait]
impl TokenSource for Signer {
    async fn token(&self) -> Result<Token, TokenError> {
        let none = || TokenError::Credentials("nobody was asked for credentials".into());
        let find = async || {
            let found = configuration(&self.region, &self.access).await;
            found.credentials_provider().ok_or_else(none)
        };
        let provider = self.provider.get_or_try_init(find).await?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| TokenError::Credentials(error.into()))?;
        sign(&self.region, &credentials, SystemTime::now())
    }
}

/// The token that these credentials sign at this time.
pub fn sign(region: &str, credentials: &Credentials, now: SystemTime) -> Result<Token, TokenError> {
    let url = signed_url(region, credentials, now).map_err(TokenError::Signature)?;
    let end = now + LIFE;
    Ok(Token {
        value: BASE64_URL_SAFE_NO_PAD.encode(url.as_str()),
        principal: credentials.access_key_id().to_owned(),
        // A token is worth nothing any more when those who signed it are not.
        expires: credentials.expiry().map_or(end, |expiry| expiry.min(end)),
    })
}

fn signed_url(
    region: &str,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<Url, Box<dyn Error + Send + Sync>> {
    let mut url = Url::parse(&format!("https://kafka.{region}.amazonaws.com/"))?;
    url.query_pairs_mut()
        .append_pair("Action", "kafka-cluster:Connect");
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(LIFE);
    let identity = credentials.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(now)
        .settings(settings)
        .build()?;
    let request = SignableRequest::new(
        "GET",
        url.as_str(),
        std::iter::empty(),
        SignableBody::Bytes(&[]),
    )?;
    let (signed, _) = sign_request(request, &parameters.into())?.into_parts();
    let mut query = url.query_pairs_mut();
    for (name, value) in signed.params() {
        query.append_pair(name, value);
    }
    query.append_pair("User-Agent", USER_AGENT);
    drop(query);
    Ok(url)
}
