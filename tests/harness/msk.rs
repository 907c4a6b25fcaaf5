//! MSK by IAM, in front of a broker that asks for nothing: TLS, and tokens that are held against the keys that may
//! sign them. What comes after is the broker's own business.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{NaiveDateTime, Utc};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::apache::GuardedKafka;

/// The region of it.
pub const REGION: &str = "eu-west-1";
/// Who may connect.
pub const KEYS: (&str, &str) = ("AKIDEXAMPLE", "the-key-that-nobody-may-see");
/// How long a connection lasts without another token.
const SESSION: Duration = Duration::from_secs(4);

const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
const SASL_AUTHENTICATE: i16 = 36;
const SASL_AUTHENTICATION_FAILED: i16 = 58;

/// A cluster of one broker, gone when dropped.
pub struct Msk {
    /// Its bootstrap brokers.
    pub address: String,
    folder: TempDir,
    counts: Arc<Counts>,
    server: AbortHandle,
    _broker: GuardedKafka,
}

#[derive(Default)]
struct Counts {
    first: AtomicUsize,
    again: AtomicUsize,
    refused: AtomicUsize,
}

impl Msk {
    /// Starts a broker and what is in front of it.
    pub async fn start(jars: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let broker = GuardedKafka::start_behind(jars, port).await;
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(folder.path().join("ca.pem"), made.cert.pem()).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
            .unwrap();
        let tls = TlsAcceptor::from(Arc::new(tls));
        let counts = Arc::<Counts>::default();
        let (counted, behind) = (counts.clone(), broker.behind.clone());
        let server = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (tls, counts, behind) = (tls.clone(), counted.clone(), behind.clone());
                tokio::spawn(async move {
                    // Clients come and go, in the midst of a handshake too.
                    if let Ok(client) = tls.accept(client).await {
                        let broker = TcpStream::connect(behind).await.unwrap();
                        let _ = serve(client, broker, &counts).await;
                    }
                });
            }
        });
        Self {
            address: format!("127.0.0.1:{port}"),
            folder,
            counts,
            server: server.abort_handle(),
            _broker: broker,
        }
    }

    /// Who vouches for it.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Connections that showed a first token, tokens shown later on them, and tokens that were refused.
    pub fn tokens(&self) -> (usize, usize, usize) {
        let Counts {
            first,
            again,
            refused,
        } = self.counts.as_ref();
        let of = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (of(first), of(again), of(refused))
    }
}

impl Drop for Msk {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// One request after the other; clients send more, and wait for their answers in order.
async fn serve(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    mut broker: TcpStream,
    counts: &Counts,
) -> std::io::Result<()> {
    let mut ends: Option<Instant> = None;
    loop {
        let request = frame(&mut client).await?;
        let number = |at: usize| i16::from_be_bytes([request[at], request[at + 1]]);
        let (api, version) = (number(0), number(2));
        let answer = match api {
            SASL_HANDSHAKE => {
                let mut answer = request[4..8].to_vec();
                answer.extend(0_i16.to_be_bytes());
                answer.extend(1_i32.to_be_bytes());
                answer.extend(11_i16.to_be_bytes());
                answer.extend(b"OAUTHBEARER");
                answer
            }
            SASL_AUTHENTICATE => {
                let good = is_good(&request);
                let count = match (good, ends) {
                    (false, _) => &counts.refused,
                    (true, None) => &counts.first,
                    (true, Some(_)) => &counts.again,
                };
                count.fetch_add(1, Ordering::SeqCst);
                if good {
                    ends = Some(Instant::now() + SESSION);
                }
                authenticated(&request[4..8], version, good)
            }
            _ => {
                let is_in = ends.is_some_and(|ends| Instant::now() < ends);
                if api != API_VERSIONS && !is_in {
                    return Ok(());
                }
                write(&mut broker, &request).await?;
                frame(&mut broker).await?
            }
        };
        write(&mut client, &answer).await?;
    }
}

async fn frame(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let length = from.read_i32().await?;
    let mut frame = vec![0; usize::try_from(length).unwrap()];
    from.read_exact(&mut frame).await?;
    Ok(frame)
}

async fn write(to: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> std::io::Result<()> {
    to.write_i32(i32::try_from(frame.len()).unwrap()).await?;
    to.write_all(frame).await?;
    to.flush().await
}

fn authenticated(correlation: &[u8], version: i16, good: bool) -> Vec<u8> {
    let mut answer = correlation.to_vec();
    if good {
        answer.extend(0_i16.to_be_bytes());
        answer.extend((-1_i16).to_be_bytes());
    } else {
        let message = b"Access denied";
        answer.extend(SASL_AUTHENTICATION_FAILED.to_be_bytes());
        answer.extend(i16::try_from(message.len()).unwrap().to_be_bytes());
        answer.extend(message);
    }
    answer.extend(0_i32.to_be_bytes());
    if version > 0 {
        let session = i64::try_from(SESSION.as_millis()).unwrap();
        answer.extend(session.to_be_bytes());
    }
    answer
}

/// Whether a request bears a token that these keys have just signed.
fn is_good(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((_, rest)) = text.split_once("auth=Bearer ") else {
        return false;
    };
    let token = rest.split('\u{1}').next().unwrap();
    let url = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap();
    let url = String::from_utf8(url).unwrap();
    let date = url
        .split('&')
        .find_map(|part| part.strip_prefix("X-Amz-Date="));
    let date = NaiveDateTime::parse_from_str(date.unwrap(), "%Y%m%dT%H%M%SZ").unwrap();
    let age = Utc::now().signed_duration_since(date.and_utc());
    let credentials = Credentials::from_keys(KEYS.0, KEYS.1, None);
    let expected = stream::msk::sign(REGION, &credentials, date.and_utc().into()).unwrap();
    (0..900).contains(&age.num_seconds()) && token == expected.value
}
