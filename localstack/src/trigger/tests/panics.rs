//! Nothing that a record holds and nothing that a poller meets ends a partition silently.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

/// A function that panics on its first `times` calls.
struct Panicking {
    times: usize,
    calls: AtomicUsize,
    seen: Arc<Function>,
}

#[async_trait]
impl Invoke for Panicking {
    async fn invoke(&self, function: &str, payload: Bytes) -> Result<Outcome, InvokeError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        assert!(call >= self.times, "panics as it should");
        self.seen.invoke(function, payload).await
    }
}

async fn start_panicking(broker: &Broker, times: usize) -> (Trigger, Arc<Function>) {
    let (seen, calls) = (Function::new(succeeds), AtomicUsize::default());
    let invoke = Arc::new(Panicking {
        times,
        calls,
        seen: Arc::clone(&seen),
    });
    let clock = Arc::new(SystemClock::start());
    let small = KafkaTrigger {
        batch_size: 4,
        ..trigger("t")
    };
    let trigger = Trigger::start(&spec(), &small, broker.connection(), None, invoke, clock).await;
    (trigger.unwrap(), seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poller_that_panics_reads_again_from_its_position() {
    let broker = broker(&[("t", 1)]).await;
    publish(&broker, "t", 0, numbers(0..10)).await;
    let (trigger, function) = start_panicking(&broker, 2).await;
    let calls = function.calls_until(|calls| count(calls) == 10).await;
    let offsets: Vec<i64> = calls.iter().flat_map(Call::offsets).collect();
    assert_eq!(offsets, (0..10).collect::<Vec<_>>());
    assert_eq!(trigger.drain(PATIENCE).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poller_that_panics_is_not_drained() {
    let broker = broker(&[("t", 1)]).await;
    publish(&broker, "t", 0, numbers(0..3)).await;
    let (trigger, _) = start_panicking(&broker, usize::MAX).await;
    let left = trigger.drain(Duration::from_secs(1)).await;
    assert_eq!(
        left,
        [Remaining {
            topic: "t".to_owned(),
            partition: 0,
            records: Some(3)
        }]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_whose_name_is_not_utf8_is_left_out_and_the_partition_goes_on() {
    let broker = broker(&[("t", 1)]).await;
    publish(&broker, "t", 0, numbers(0..1)).await;
    produce_with_header(&broker, "t", b"\xff\xfe", b"1").await;
    publish(&broker, "t", 0, numbers(2..3)).await;
    let function = Function::new(succeeds);
    let trigger = start(&broker, &trigger("t"), &function).await;
    let calls = function.calls_until(|calls| count(calls) == 3).await;
    let records: Vec<_> = calls.into_iter().flat_map(|call| call.records).collect();
    let expected: Vec<(i64, Vec<u8>)> = (0..3).zip(numbers(0..3)).collect();
    assert_eq!(records, expected);
    assert_eq!(trigger.drain(PATIENCE).await, []);
}

/// One record with one header, in the protocol's own bytes: no client of Rust's takes such a name.
async fn produce_with_header(broker: &Broker, topic: &str, name: &[u8], value: &[u8]) {
    // A zigzag varint of one byte.
    let short = |length: usize| u8::try_from(length * 2).unwrap();
    let mut record = vec![0, 0, 0, 1, short(value.len())];
    record.extend_from_slice(value);
    record.extend([short(1), short(name.len())]);
    record.extend_from_slice(name);
    record.extend([short(1), b'v']);
    record.insert(0, short(record.len()));

    let mut batch = Vec::new();
    batch.extend((-1i32).to_be_bytes()); // leader epoch
    batch.push(2); // magic
    batch.extend([0; 4 + 2 + 4]); // checksum, which nobody checks here; attributes; last offset delta
    batch.extend([1_700_000_000_000i64.to_be_bytes(); 2].concat()); // first and last timestamp
    batch.extend([0xff; 8 + 2 + 4]); // producer id and epoch, sequence
    batch.extend(1i32.to_be_bytes());
    batch.extend(record);
    let mut records = vec![0; 8];
    records.extend(u32::try_from(batch.len()).unwrap().to_be_bytes());
    records.extend(batch);

    let mut request = Vec::new();
    request.extend([0, 0, 0, 3, 0, 0, 0, 7]); // Produce, version 3, correlation 7
    request.extend([0xff; 2 + 2]); // no client id, no transaction
    request.extend(1i16.to_be_bytes());
    request.extend(5_000i32.to_be_bytes());
    request.extend(1i32.to_be_bytes());
    request.extend(u16::try_from(topic.len()).unwrap().to_be_bytes());
    request.extend_from_slice(topic.as_bytes());
    request.extend(1i32.to_be_bytes());
    request.extend(0i32.to_be_bytes());
    request.extend(u32::try_from(records.len()).unwrap().to_be_bytes());
    request.extend(records);

    let mut stream = TcpStream::connect(broker.connection().brokers())
        .await
        .unwrap();
    let length = u32::try_from(request.len()).unwrap();
    stream.write_all(&length.to_be_bytes()).await.unwrap();
    stream.write_all(&request).await.unwrap();
    let mut answer = vec![0; 4];
    stream.read_exact(&mut answer).await.unwrap();
    let length = u32::from_be_bytes(answer.try_into().unwrap());
    let mut answer = vec![0; length as usize];
    stream.read_exact(&mut answer).await.unwrap();
    // Correlation, one topic with its name, one partition with its number: then the error.
    let error = 4 + 4 + 2 + topic.len() + 4 + 4;
    assert_eq!(answer[error..error + 2], [0, 0], "{answer:?}");
}
