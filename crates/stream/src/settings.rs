//! Settings of a topic, changed one by one.
//!
//! rdkafka has only the call that names all settings anew and resets those that it leaves out. Clusters on which nobody may
//! set some of them refuse that (MSK Serverless), and what somebody else set meanwhile would be gone.

use std::ffi::{CString, c_int};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::AdminClient;
use rdkafka::bindings as ffi;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;

use crate::Tokens;

/// How much later than the client library, which waits for the brokers, the wait for its answer ends.
const MARGIN_MS: c_int = 1_000;
/// The client library's own bound for a request.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Sets these of a topic, and leaves the others as they are.
pub(crate) async fn set(
    admin: &Arc<AdminClient<Tokens>>,
    topic: &str,
    settings: &[(&str, &str)],
    limit: Duration,
) -> KafkaResult<()> {
    let admin = Arc::clone(admin);
    let topic = CString::new(topic)?;
    let settings = settings
        .iter()
        .map(|(name, value)| Ok((CString::new(*name)?, CString::new(*value)?)))
        .collect::<KafkaResult<Vec<_>>>()?;
    let work = move || match ask(admin.inner(), &topic, &settings, limit) {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(KafkaError::AdminOp(code.into())),
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(KafkaError::Canceled))
}

#[expect(unsafe_code, reason = "rdkafka has no call for it")]
fn ask<C: ClientContext>(
    client: &Client<C>,
    topic: &CString,
    settings: &[(CString, CString)],
    limit: Duration,
) -> RDKafkaRespErr {
    let limit = c_int::try_from(limit.min(LONGEST).as_millis()).unwrap_or(c_int::MAX - MARGIN_MS);
    let client = client.native_ptr();
    // SAFETY: the client lives for as long as it is borrowed. All texts end in NUL and are copied by the calls. What is made
    // here is used before it is destroyed and destroyed once, the event after the last look at what it holds; the
    // library keeps of a queue what it needs for an answer that is still to come.
    unsafe {
        let queue = ffi::rd_kafka_queue_new(client);
        let operation = ffi::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS;
        let options = ffi::rd_kafka_AdminOptions_new(client, operation);
        ffi::rd_kafka_AdminOptions_set_request_timeout(options, limit, ptr::null_mut(), 0);
        let kind = ffi::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
        let mut resource = ffi::rd_kafka_ConfigResource_new(kind, topic.as_ptr());
        for (name, value) in settings {
            let error = ffi::rd_kafka_ConfigResource_add_incremental_config(
                resource,
                name.as_ptr(),
                ffi::rd_kafka_AlterConfigOpType_t::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET,
                value.as_ptr(),
            );
            // Only a text that is missing is one, and none is.
            debug_assert!(error.is_null());
        }
        ffi::rd_kafka_IncrementalAlterConfigs(client, &raw mut resource, 1, options, queue);
        let event = ffi::rd_kafka_queue_poll(queue, limit + MARGIN_MS);
        let code = outcome(event);
        if !event.is_null() {
            ffi::rd_kafka_event_destroy(event);
        }
        ffi::rd_kafka_ConfigResource_destroy(resource);
        ffi::rd_kafka_AdminOptions_destroy(options);
        ffi::rd_kafka_queue_destroy(queue);
        code
    }
}

/// What the brokers said, of the request as a whole and of the topic.
///
/// # Safety
///
/// `event` is null, or an event of `rd_kafka_IncrementalAlterConfigs` that lives.
#[expect(unsafe_code, reason = "rdkafka has no call for it")]
unsafe fn outcome(event: *mut ffi::rd_kafka_event_t) -> RDKafkaRespErr {
    if event.is_null() {
        return RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    // SAFETY: as above; what is read belongs to the event, and `count` says how many there are.
    unsafe {
        let whole = ffi::rd_kafka_event_error(event);
        let result = ffi::rd_kafka_event_IncrementalAlterConfigs_result(event);
        if whole != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || result.is_null() {
            return whole;
        }
        let mut count = 0;
        let resources =
            ffi::rd_kafka_IncrementalAlterConfigs_result_resources(result, &raw mut count);
        (0..count)
            .map(|at| ffi::rd_kafka_ConfigResource_error(*resources.add(at)))
            .find(|code| *code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR)
            .unwrap_or(whole)
    }
}
