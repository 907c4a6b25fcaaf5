//! Tokens with which clients prove who they are, where brokers want them (SASL's OAUTHBEARER): made when a client asks,
//! and again before they expire.

use std::error::Error;
use std::ffi::{CStr, CString};
use std::fmt::{self, Debug};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{io, ptr, thread};

use async_trait::async_trait;
use rdkafka::bindings::rd_kafka_oauthbearer_set_token;
use rdkafka::client::{Client, ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use telemetry::chain;
use thiserror::Error;
use tokio::runtime::Builder;
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::client;

/// How long a token may take to be made, credentials included.
const LIMIT: Duration = Duration::from_secs(5);
/// The part of its life after which a token of a client that nobody polls is old: what is sent now, over a connection that
/// has to be made first, is still on its way for a while. Clients that are polled ask earlier, at 8 of 10.
const OLD: (u32, u32) = (9, 10);

/// What a client shows to the brokers. Its value is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// What is sent.
    pub value: String,
    /// Whom it stands for, as the client library calls it.
    pub principal: String,
    /// From when on it is worth nothing.
    pub expires: SystemTime,
}

impl Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("principal", &self.principal)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Token {
    /// Milliseconds since 1970.
    fn expires_ms(&self) -> i64 {
        milliseconds(self.expires)
    }
}

/// Makes tokens. Called on a thread of its own, so it may wait.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// A token that is good from now on.
    async fn token(&self) -> Result<Token, TokenError>;
}

/// Why there is no token.
#[derive(Debug, Error)]
pub enum TokenError {
    /// Nobody says who we are.
    #[error(
        "no credentials were found to sign a token with: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    )]
    Credentials(#[source] Box<dyn Error + Send + Sync>),
    /// The credentials cannot sign.
    #[error("a token cannot be signed")]
    Signature(#[source] Box<dyn Error + Send + Sync>),
    /// Credentials take too long to come.
    #[error("no token could be made within {} s: who gives the credentials does not answer", LIMIT.as_secs())]
    TimedOut,
    /// This process has no room for another thread.
    #[error("tokens cannot be made")]
    Thread(#[source] Arc<io::Error>),
    /// The client library does not take it.
    #[error("the client does not take the token: {0}")]
    NotTaken(String),
}

/// Makes the tokens of a connection, one after the other, on a thread of its own: clients ask for them in the midst of
/// their work, from threads that must not run futures. Nothing is started before the first question.
#[derive(Clone)]
pub(crate) struct Mint(Arc<Shared>);

struct Shared {
    source: Arc<dyn TokenSource>,
    thread: OnceLock<Result<mpsc::Sender<Question>, Arc<io::Error>>>,
}

type Question = SyncSender<Result<Token, TokenError>>;

impl Mint {
    pub(crate) fn of(source: Arc<dyn TokenSource>) -> Self {
        let thread = OnceLock::new();
        Self(Arc::new(Shared { source, thread }))
    }

    /// Blocks for as long as it takes, at most a little longer than [`LIMIT`].
    fn token(&self) -> Result<Token, TokenError> {
        let thread = self.0.thread.get_or_init(|| start(&self.0.source));
        let questions = thread
            .as_ref()
            .map_err(|error| TokenError::Thread(error.clone()))?;
        let (question, answer) = mpsc::sync_channel(1);
        let gone = || TokenError::Thread(Arc::new(io::Error::other("the thread ended")));
        questions.send(question).map_err(|_| gone())?;
        answer
            .recv_timeout(LIMIT + Duration::from_secs(1))
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => TokenError::TimedOut,
                RecvTimeoutError::Disconnected => gone(),
            })?
    }
}

/// The thread ends with the last connection that asks.
fn start(source: &Arc<dyn TokenSource>) -> Result<mpsc::Sender<Question>, Arc<io::Error>> {
    let (questions, asked) = mpsc::channel::<Question>();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let source = source.clone();
    let work = move || {
        for question in asked {
            let token = runtime.block_on(async { timeout(LIMIT, source.token()).await });
            // Who asked may have gone.
            let _ = question.send(token.unwrap_or(Err(TokenError::TimedOut)));
        }
    };
    thread::Builder::new()
        .name("kafka-tokens".to_owned())
        .spawn(work)?;
    Ok(questions)
}

impl PartialEq for Mint {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Mint {}

/// What brings one client its tokens; brokers that want none get none.
///
/// As a client's context it sends the client library's logs to `tracing`, and answers when the client library asks for
/// the next token, which it does in time, but only of clients that are polled. For those that are not, and for the first
/// token of those that are asked something before, there is [`Tokens::bring`].
#[derive(Clone, Default)]
pub struct Tokens {
    mint: Option<Mint>,
    /// When the client's token is old, in milliseconds since 1970; 0 before its first.
    old: Arc<AtomicI64>,
}

impl Tokens {
    pub(crate) fn of(mint: Option<Mint>) -> Self {
        Self {
            mint,
            old: Arc::default(),
        }
    }

    /// Gives a client a token now, if its brokers want one. Blocks while credentials are looked for.
    pub fn bring<C: ClientContext>(&self, client: &Client<C>) -> KafkaResult<()> {
        let Some(mint) = &self.mint else {
            return Ok(());
        };
        let brought = next(mint).and_then(|token| {
            hand_over(client, &token).map_err(TokenError::NotTaken)?;
            self.has(&token, SystemTime::now());
            Ok(())
        });
        brought.map_err(|error| KafkaError::ClientCreation(chain(&error)))
    }

    /// Gives a client whose token is old another one: its process was frozen, or nobody polls it.
    pub fn renew<C: ClientContext>(&self, client: &Client<C>) {
        if self.are_old(SystemTime::now()) {
            // What came of it is in the log, and in what the brokers answer.
            let _ = self.bring(client);
        }
    }

    fn has(&self, token: &Token, now: SystemTime) {
        let life = token.expires.duration_since(now).unwrap_or_default();
        let old = now + life * OLD.0 / OLD.1;
        self.old.store(milliseconds(old), Ordering::Relaxed);
    }

    fn are_old(&self, now: SystemTime) -> bool {
        let old = self.old.load(Ordering::Relaxed);
        old != 0 && old <= milliseconds(now)
    }
}

fn next(mint: &Mint) -> Result<Token, TokenError> {
    let token = mint.token().inspect_err(|error| {
        warn!(error = chain(error), "no token for the brokers");
    })?;
    debug!(expires = token.expires_ms(), "token for the brokers made");
    Ok(token)
}

impl Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl ClientContext for Tokens {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let mint = self.mint.as_ref().ok_or("this client has no tokens")?;
        let token = next(mint).map_err(|error| chain(&error))?;
        self.has(&token, SystemTime::now());
        Ok(OAuthToken {
            lifetime_ms: token.expires_ms(),
            principal_name: token.principal,
            token: token.value,
        })
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    /// What is told here stands in the log lines above, or comes back as the outcome of a call.
    fn error(&self, error: KafkaError, reason: &str) {
        debug!(target: "librdkafka", %error, "{reason}");
    }
}

impl ConsumerContext for Tokens {}

#[expect(
    unsafe_code,
    reason = "rdkafka hands tokens only to clients that are polled, and an admin client never is"
)]
fn hand_over<C: ClientContext>(client: &Client<C>, token: &Token) -> Result<(), String> {
    let text = |text: &str| CString::new(text).map_err(|error| error.to_string());
    let (value, principal) = (text(&token.value)?, text(&token.principal)?);
    let mut complaint = [0_u8; 256];
    // SAFETY: the client lives for as long as it is borrowed; both texts end in NUL and are copied by the call; no
    // extensions are given; at most `complaint.len()` bytes of a text that ends in NUL are written.
    let code = unsafe {
        rd_kafka_oauthbearer_set_token(
            client.native_ptr(),
            value.as_ptr(),
            token.expires_ms(),
            principal.as_ptr(),
            ptr::null_mut(),
            0,
            complaint.as_mut_ptr().cast(),
            complaint.len(),
        )
    };
    if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    let complaint = CStr::from_bytes_until_nul(&complaint).unwrap_or_default();
    Err(complaint.to_string_lossy().into_owned())
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_token_is_renewed_before_it_expires_and_never_before_the_first() {
        let tokens = Tokens::default();
        let now = SystemTime::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        assert!(!tokens.are_old(now));
        let token = Token {
            value: "value".to_owned(),
            principal: "somebody".to_owned(),
            expires: after(900),
        };
        tokens.has(&token, now);
        for (seconds, old) in [(0, false), (809, false), (810, true), (900, true)] {
            assert_eq!(tokens.are_old(after(seconds)), old, "{seconds}");
        }
        // One that is of no use from the start is replaced at the next call.
        tokens.has(&token, after(1000));
        assert!(tokens.are_old(after(1000)));
    }
}
