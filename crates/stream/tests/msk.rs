//! What a build with OpenSSL and AWS's signatures can do: settings of connections that are not open, MSK's tokens, and
//! what its control plane says.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use stream::msk::{Access, LIFE, Signer, sign};
use stream::{BadSetting, Cluster, Connection, TokenSource};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

const ARN: &str = "arn:aws:kafka:eu-west-1:123456789012:cluster/events/4c4c4c4c-1111-s1";

fn cluster(pairs: &[(&str, &str)]) -> Result<Cluster, Vec<BadSetting>> {
    Cluster::from_settings(|name| {
        let found = pairs.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

async fn connection(pairs: &[(&str, &str)]) -> Connection {
    cluster(pairs).unwrap().connect().await.unwrap()
}

#[tokio::test]
async fn scram_and_certificates_are_taken() {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let settings = [
        ("KAFKA_BROKERS", "b:9092"),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
        ("KAFKA_SASL_MECHANISM", "scram_sha_512"),
        ("KAFKA_USERNAME", "alice"),
        ("KAFKA_PASSWORD", "hush"),
        ("KAFKA_CA_FILE", here),
        ("KAFKA_CERT_FILE", here),
        ("KAFKA_KEY_FILE", here),
        ("KAFKA_KEY_PASSWORD", "hush"),
    ];
    let config = connection(&settings).await.client();
    let wanted = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanisms", "SCRAM-SHA-512"),
        ("ssl.ca.location", here),
        ("ssl.certificate.location", here),
        ("ssl.key.location", here),
        ("ssl.key.password", "hush"),
    ];
    for (name, value) in wanted {
        assert_eq!(config.get(name), Some(value), "{name}");
    }
    let missing = [
        ("KAFKA_BROKERS", "b:9092"),
        ("KAFKA_SECURITY_PROTOCOL", "SSL"),
        ("KAFKA_CA_FILE", "/no/ca.pem"),
    ];
    let bad = cluster(&missing).unwrap_err();
    assert_eq!(bad[0].name, "KAFKA_CA_FILE");
    assert!(bad[0].reason.contains("/no/ca.pem"), "{bad:?}");
}

#[tokio::test]
async fn without_a_file_the_systems_authorities_vouch() {
    let settings = [
        ("KAFKA_BROKERS", "127.0.0.1:9"),
        ("KAFKA_SECURITY_PROTOCOL", "SSL"),
    ];
    let connection = connection(&settings).await;
    assert_eq!(connection.client().get("ssl.ca.location"), Some("probe"));
    connection.questioner().unwrap();
}

const IAM: [(&str, &str); 3] = [
    ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
    ("KAFKA_SASL_MECHANISM", "MSK_IAM"),
    ("AWS_REGION", "eu-west-1"),
];

#[tokio::test]
async fn msk_by_iam_is_a_mechanism_of_tokens() {
    let mut settings = IAM.to_vec();
    settings.push(("KAFKA_BROKERS", "b:9098"));
    let config = connection(&settings).await.client();
    assert_eq!(config.get("security.protocol"), Some("SASL_SSL"));
    assert_eq!(config.get("sasl.mechanisms"), Some("OAUTHBEARER"));
    assert_eq!(config.get("sasl.password"), None);
}

// ---- tokens

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// 25 November 2026, 06:00 UTC.
fn six() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_586_400)
}

fn query(token: &str) -> (Url, BTreeMap<String, String>) {
    let url = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap();
    let url = Url::parse(&String::from_utf8(url).unwrap()).unwrap();
    let query = url.query_pairs().into_owned().collect();
    (url, query)
}

#[test]
fn a_token_is_a_signed_url() {
    // The signatures are those that botocore 1.42 (`SigV4QueryAuth`, 900 s) makes of the same.
    for (session, signature) in [
        (
            None,
            "52281f4b998813a298d517d2add0b45e8da03e5c41689a64fd1516efc7a4beb9",
        ),
        (
            Some("session/token+with=signs"),
            "2512b0b25b35a11eb8436da99cca6adcf5bbfc7fd5530d0b6914cf78591b80bd",
        ),
    ] {
        let credentials = Credentials::from_keys(KEY, SECRET, session.map(ToOwned::to_owned));
        let token = sign("eu-west-1", &credentials, six()).unwrap();
        assert_eq!(token, sign("eu-west-1", &credentials, six()).unwrap());
        assert_eq!(token.expires, six() + LIFE);
        let (url, query) = query(&token.value);
        assert_eq!(
            (url.scheme(), url.host_str(), url.path()),
            ("https", Some("kafka.eu-west-1.amazonaws.com"), "/")
        );
        let wanted = [
            ("Action", "kafka-cluster:Connect"),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            (
                "X-Amz-Credential",
                "AKIDEXAMPLE/20261125/eu-west-1/kafka-cluster/aws4_request",
            ),
            ("X-Amz-Date", "20261125T060000Z"),
            ("X-Amz-Expires", "900"),
            ("X-Amz-Signature", signature),
            ("X-Amz-SignedHeaders", "host"),
        ];
        for (name, value) in wanted {
            assert_eq!(query[name], value, "{name}");
        }
        assert_eq!(
            query.get("X-Amz-Security-Token").map(String::as_str),
            session
        );
        assert!(query["User-Agent"].starts_with("tidemill/"), "{query:?}");
        assert_eq!(query.len(), 8 + usize::from(session.is_some()));
        let shown = format!("{token:?}");
        assert!(
            !shown.contains(&token.value) && !shown.contains(signature),
            "{shown}"
        );
    }
    let credentials = Credentials::from_keys(KEY, SECRET, None);
    let later = sign("eu-west-1", &credentials, six() + Duration::from_secs(1)).unwrap();
    let elsewhere = sign("us-east-1", &credentials, six()).unwrap();
    let (one, other) = (query(&later.value).1, query(&elsewhere.value).1);
    assert_ne!(one["X-Amz-Signature"], other["X-Amz-Signature"]);
}

#[test]
fn a_token_is_worth_nothing_when_who_signed_it_is_not() {
    let soon = six() + Duration::from_secs(60);
    let credentials = Credentials::new(KEY, SECRET, None, Some(soon), "test");
    assert_eq!(
        sign("eu-west-1", &credentials, six()).unwrap().expires,
        soon
    );
}

#[tokio::test]
async fn a_signer_signs_now_with_the_credentials_that_it_finds() {
    let signer = Signer::new("eu-west-1".to_owned(), access("http://127.0.0.1:9"));
    let token = signer.token().await.unwrap();
    let now = SystemTime::now();
    let life = token.expires.duration_since(now).unwrap();
    assert!(
        life <= LIFE && life > LIFE - Duration::from_secs(30),
        "{life:?}"
    );
    assert!(query(&token.value).1["X-Amz-Credential"].starts_with(KEY));
}

// ---- the control plane

fn access(endpoint: &str) -> Access {
    Access::Given {
        endpoint: endpoint.to_owned(),
        access_key_id: KEY.to_owned(),
        secret_access_key: SECRET.to_owned(),
    }
}

/// An answer as MSK gives it.
fn answer(status: u16, kind: &str, body: &str) -> String {
    let length = body.len();
    let kind = if kind.is_empty() {
        String::new()
    } else {
        format!("x-amzn-ErrorType: {kind}\r\n")
    };
    format!(
        "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\n{kind}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Gives every question the same answer, or none; tells its address.
async fn control_plane(answer: Option<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut waiting = Vec::new();
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                if client.read_buf(&mut asked).await.unwrap() == 0 {
                    break;
                }
            }
            match &answer {
                Some(answer) => client.write_all(answer.as_bytes()).await.unwrap(),
                None => waiting.push(client),
            }
        }
    });
    url
}

/// What becomes of a lookup with these settings beside the ARN: brokers, or what is said, sources and all.
async fn look_up(settings: &[(&str, &str)], url: &str) -> Result<String, String> {
    let mut settings = settings.to_vec();
    settings.extend([("KAFKA_CLUSTER_ARN", ARN), ("AWS_REGION", "eu-west-1")]);
    let cluster = cluster(&settings).unwrap();
    match cluster.connect_by(&access(url)).await {
        Ok(connection) => Ok(connection.brokers().to_owned()),
        Err(error) => {
            let source = error.source.as_ref().map(ToString::to_string);
            Err(format!("{error}: {}", source.unwrap_or_default()))
        }
    }
}

const SCRAM: [(&str, &str); 4] = [
    ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
    ("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
    ("KAFKA_USERNAME", "alice"),
    ("KAFKA_PASSWORD", "hush"),
];

#[tokio::test]
async fn brokers_are_those_that_fit_the_settings() {
    let all = r#"{"bootstrapBrokerString":"p:9092","bootstrapBrokerStringTls":"t:9094",
        "bootstrapBrokerStringSaslScram":"s:9096","bootstrapBrokerStringSaslIam":"i:9098",
        "bootstrapBrokerStringPublicSaslIam":"public:9198"}"#;
    let url = control_plane(Some(answer(200, "", all))).await;
    assert_eq!(look_up(&IAM, &url).await.unwrap(), "i:9098");
    assert_eq!(look_up(&SCRAM, &url).await.unwrap(), "s:9096");
    assert_eq!(
        look_up(&[("KAFKA_SECURITY_PROTOCOL", "SSL")], &url)
            .await
            .unwrap(),
        "t:9094"
    );
    assert_eq!(look_up(&[], &url).await.unwrap(), "p:9092");

    // MSK Serverless has nothing but IAM.
    let serverless = r#"{"bootstrapBrokerStringSaslIam":"boot.kafka-serverless:9098"}"#;
    let url = control_plane(Some(answer(200, "", serverless))).await;
    assert_eq!(
        look_up(&IAM, &url).await.unwrap(),
        "boot.kafka-serverless:9098"
    );
    let said = look_up(&SCRAM, &url).await.unwrap_err();
    assert!(
        said.contains("no broker for SASL/SCRAM")
            && said.contains("but for IAM (SASL_SSL, MSK_IAM)"),
        "{said}"
    );
    let url = control_plane(Some(answer(200, "", "{}"))).await;
    let said = look_up(&IAM, &url).await.unwrap_err();
    assert!(said.contains("nor for anything else yet"), "{said}");
}

#[tokio::test]
async fn what_the_control_plane_refuses_is_told_in_words_that_help() {
    for (status, kind, message, words) in [
        (
            403,
            "AccessDeniedException",
            "User: arn:aws:sts::1:assumed-role/stocks is not authorized to perform: kafka:GetBootstrapBrokers",
            "allow kafka:GetBootstrapBrokers on this cluster",
        ),
        (
            403,
            "ForbiddenException",
            "no",
            "allow kafka:GetBootstrapBrokers",
        ),
        (
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "the credentials are not accepted",
        ),
        (
            403,
            "ExpiredTokenException",
            "expired",
            "the credentials are not accepted",
        ),
        (
            401,
            "UnauthorizedException",
            "who?",
            "the credentials are not accepted",
        ),
        (
            403,
            "InvalidSignatureException",
            "Credential should be scoped to a valid region.",
            "who answers is not MSK in eu-west-1",
        ),
        (
            403,
            "InvalidSignatureException",
            "Signature expired",
            "this machine's clock",
        ),
        (
            404,
            "NotFoundException",
            "The specified cluster does not exist.",
            "no such cluster in eu-west-1",
        ),
        (
            400,
            "BadRequestException",
            "The parameter value contains one or more characters that are not valid.",
            "check KAFKA_CLUSTER_ARN, its region",
        ),
        (
            409,
            "ConflictException",
            "creating",
            "try again when it is active",
        ),
        (
            429,
            "TooManyRequestsException",
            "slow down",
            "asked too often",
        ),
        (500, "InternalServerErrorException", "oops", "out of order"),
        (503, "ServiceUnavailableException", "oops", "out of order"),
        (418, "Teapot", "tea", "refuses to say"),
    ] {
        let body = format!(r#"{{"message":"{message}"}}"#);
        let url = control_plane(Some(answer(status, kind, &body))).await;
        let said = look_up(&IAM, &url).await.unwrap_err();
        assert!(said.contains(ARN) && said.contains(words), "{said}");
        assert!(said.contains(kind) && said.contains(message), "{said}");
        assert!(!said.contains(SECRET), "{said}");
    }
}

#[tokio::test]
async fn a_control_plane_that_does_not_answer_keeps_nobody_waiting() {
    let begun = Instant::now();
    let url = control_plane(None).await;
    let said = look_up(&IAM, &url).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(20), "bounded");
    assert!(
        said.contains("did not answer within 7 s")
            && said.contains("com.amazonaws.eu-west-1.kafka"),
        "{said}"
    );
    let said = look_up(&IAM, "http://127.0.0.1:9").await.unwrap_err();
    assert!(said.contains("cannot be reached"), "{said}");
    let url = control_plane(Some(answer(200, "", "<html>not MSK</html>"))).await;
    let said = look_up(&IAM, &url).await.unwrap_err();
    assert!(said.contains("check AWS_ENDPOINT_URL_KAFKA"), "{said}");
}
