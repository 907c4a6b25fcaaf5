//! A Kafka that wants tokens: every kind of client shows one, and the next one before the last is worth nothing.
//!
//! The broker takes tokens that nobody signed, so these are made here; how clients ask for them, show them and renew
//! them is the code that shows MSK's.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rdkafka::Message;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use stream::topics::{self, Existing};
use stream::{
    Connection, KafkaPublisher, Publish, PublishError, Record, Scan, Token, TokenError,
    TokenSource, TopicSpec,
};
use tests::apache::{GuardedKafka, REAUTHENTICATION_MS, allow, jars};

const LIMIT: Duration = Duration::from_secs(30);

/// Makes tokens for a user that are good for a while, and counts them.
struct Unsigned {
    user: &'static str,
    life: Duration,
    made: AtomicUsize,
}

impl Unsigned {
    fn of(user: &'static str, life: Duration) -> Arc<Self> {
        Arc::new(Self {
            user,
            life,
            made: AtomicUsize::new(0),
        })
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl TokenSource for Unsigned {
    async fn token(&self) -> Result<Token, TokenError> {
        self.made.fetch_add(1, Ordering::SeqCst);
        let now = SystemTime::now();
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let expires = now + self.life;
        let claims =
            serde_json::json!({"sub": self.user, "iat": seconds(now), "exp": seconds(expires)});
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let header = encode(r#"{"alg":"none"}"#);
        Ok(Token {
            value: format!("{header}.{}.", encode(&claims.to_string())),
            principal: self.user.to_owned(),
            expires,
        })
    }
}

fn topic(name: &str) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions: 1,
        retention: NonZeroU32::new(1).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_get_in_by_token_and_stay_in_when_it_expires() {
    let Some(jars) = jars() else { return };
    let broker = GuardedKafka::start(&jars, None).await;

    let life = Duration::from_secs(10);
    let source = Unsigned::of("alice", life);
    let connection = Connection::by_token(&broker.by_token, source.clone());
    let wanted = [topic("ticks")];
    let made = topics::ensure(&connection, &wanted, Existing::Change, LIMIT).await;
    assert_eq!(made.unwrap().made, ["ticks"]);
    assert_eq!(source.made(), 1, "an admin client has one token");

    let publisher = KafkaPublisher::new(&connection).unwrap();
    let record = Record {
        topic: "ticks",
        key: b"k",
        value: b"first",
        headers: &[],
    };
    let first = publisher.publish(record).await.unwrap();
    assert_eq!(first.offset, 0);
    let look = async |value: &'static [u8]| {
        stream::find_from_start(&connection, "ticks", 0, LIMIT, move |found| found == value).await
    };
    assert_eq!(look(b"first").await.unwrap(), Scan::Found);

    let reader = tokio::spawn(read(connection.clone()));
    let quiet = Arc::new(connection.questioner().unwrap());
    let ends = async || {
        let quiet = quiet.clone();
        let ask = move || quiet.fetch_watermarks("ticks", 0, LIMIT).unwrap();
        tokio::task::spawn_blocking(ask).await.unwrap()
    };
    assert_eq!(ends().await, (0, 1));

    // The same producer, over two lives of a token and several of a connection: each record is acknowledged at once.
    let before = source.made();
    let end = Instant::now() + 2 * life + Duration::from_millis(REAUTHENTICATION_MS);
    let mut published = 1;
    while Instant::now() < end {
        let stored = publisher.publish(record).await.unwrap();
        assert_eq!(stored.offset, published);
        published += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let renewed = source.made() - before;
    assert!(
        (4..20).contains(&renewed),
        "{renewed} tokens of producer and reader"
    );

    // Nobody has polled this one, so its token is worth nothing any more, and it is brought another one.
    quiet.context().renew(quiet.client());
    assert_eq!(source.made(), before + renewed + 1);
    assert_eq!(ends().await, (0, published));

    let last = Record {
        value: LAST,
        ..record
    };
    publisher.publish(last).await.unwrap();
    let read = tokio::time::timeout(LIMIT, reader).await.unwrap().unwrap();
    assert_eq!(read, (0..=published).collect::<Vec<_>>());
}

const LAST: &[u8] = b"last";

/// The offsets of the topic, as a consumer gets them that has been there all the time.
async fn read(connection: Connection) -> Vec<i64> {
    let mut config = connection.client();
    config
        .set("group.id", "readers")
        .set("auto.offset.reset", "earliest");
    let reader = connection.consumer(&config).unwrap();
    reader.subscribe(&["ticks"]).unwrap();
    let mut offsets = Vec::new();
    loop {
        let record = reader.recv().await.unwrap();
        offsets.push(record.offset());
        if record.payload() == Some(LAST) {
            return offsets;
        }
    }
}

/// Has one token, and no other.
struct Once(Arc<Unsigned>);

#[async_trait]
impl TokenSource for Once {
    async fn token(&self) -> Result<Token, TokenError> {
        match self.0.made() {
            0 => self.0.token().await,
            _ => Nobody.token().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_no_other_token_is_out_when_the_first_expires() {
    let Some(jars) = jars() else { return };
    let broker = GuardedKafka::start(&jars, None).await;
    let alice = Connection::by_token(&broker.by_token, Unsigned::of("alice", LIMIT));
    topics::create(&alice, &[&topic("t")], LIMIT).await.unwrap();

    let life = Duration::from_secs(5);
    let once = Once(Unsigned::of("alice", life));
    let once = Connection::by_token(&broker.by_token, Arc::new(once));
    let publisher = KafkaPublisher::new(&once).unwrap();
    let begun = Instant::now();
    publisher.publish(RECORD).await.unwrap();
    while publisher.publish(RECORD).await.is_ok() {
        assert!(begun.elapsed() < LIMIT, "the broker forgets to ask");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(begun.elapsed() > life / 2, "{:?}", begun.elapsed());
}

/// Who scans names a group and joins none: rights to its topic are enough, as `exchange` has them.
#[tokio::test(flavor = "multi_thread")]
async fn who_scans_needs_no_right_to_a_group() {
    let Some(jars) = jars() else { return };
    let broker = GuardedKafka::start(&jars, None).await;
    let alice = Connection::by_token(&broker.by_token, Unsigned::of("alice", LIMIT));
    topics::create(&alice, &[&topic("t")], LIMIT).await.unwrap();
    let publisher = KafkaPublisher::new(&alice).unwrap();
    publisher.publish(RECORD).await.unwrap();

    let bob = Connection::by_token(&broker.by_token, Unsigned::of("bob", LIMIT));
    let scan = async || stream::find_from_start(&bob, "t", 0, LIMIT, |_| true).await;
    let barred = scan().await.unwrap_err().to_string();
    assert!(barred.contains("t"), "{barred}");
    allow(&jars, &broker, "bob", "t", &["Describe", "Read"]);
    assert_eq!(scan().await.unwrap(), Scan::Found);
}

/// A source without credentials.
struct Nobody;

#[async_trait]
impl TokenSource for Nobody {
    async fn token(&self) -> Result<Token, TokenError> {
        Err(TokenError::Credentials("no keys in this test".into()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_good_token_is_told_so() {
    let Some(jars) = jars() else { return };
    let broker = GuardedKafka::start(&jars, None).await;

    let nobody = Connection::by_token(&broker.by_token, Arc::new(Nobody));
    let said = nobody.questioner().err().unwrap().to_string();
    assert!(said.contains("no credentials were found"), "{said}");
    assert!(said.contains("no keys in this test"), "{said}");
    let unsent = KafkaPublisher::new(&nobody).unwrap();
    let unsent = unsent.publish(RECORD).await.unwrap_err();
    assert!(
        matches!(unsent, PublishError::NotAcknowledged { .. }),
        "{unsent:?}"
    );

    let late = Unsigned::of("alice", Duration::ZERO);
    let late = Connection::by_token(&broker.by_token, late);
    let said = late.questioner().err().unwrap().to_string();
    assert!(said.contains("unexpired token"), "{said}");

    // Somebody else's token opens the door, but not the topic.
    let bob = Unsigned::of("bob", Duration::from_secs(60));
    let bob = Connection::by_token(&broker.by_token, bob);
    let refused = topics::ensure(&bob, &[topic("mine")], Existing::Keep, LIMIT).await;
    let refused = refused.unwrap_err();
    let barred = KafkaError::AdminOp(RDKafkaErrorCode::TopicAuthorizationFailed);
    assert_eq!((refused.topic.as_str(), refused.source), ("mine", barred));
}

const RECORD: Record<'static> = Record {
    topic: "t",
    key: b"k",
    value: b"v",
    headers: &[],
};
