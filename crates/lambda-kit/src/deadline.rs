//! The moment at which Lambda ends an invocation.

use std::time::{Duration, SystemTime};

use lambda_http::RequestExt;
use lambda_runtime::Context;

/// When the running invocation is ended by Lambda, whatever it is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(SystemTime);

impl Deadline {
    /// The deadline of an invocation.
    pub fn of(invocation: &Context) -> Self {
        Self(invocation.deadline())
    }

    /// The deadline of the invocation that carries an HTTP request; none outside of Lambda's loop.
    pub fn of_request(request: &lambda_http::Request) -> Option<Self> {
        request.lambda_context_ref().map(Self::of)
    }

    /// A deadline at a given time.
    pub fn at(time: SystemTime) -> Self {
        Self(time)
    }

    /// The time of the deadline.
    pub fn time(self) -> SystemTime {
        self.0
    }

    /// The time left at `now`; zero once the deadline has passed.
    pub fn remaining(self, now: SystemTime) -> Duration {
        self.0.duration_since(now).unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_remains_never_goes_below_zero() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let deadline = Deadline::at(start + Duration::from_secs(3));
        assert_eq!(deadline.remaining(start), Duration::from_secs(3));
        assert_eq!(
            deadline.remaining(start + Duration::from_secs(9)),
            Duration::ZERO
        );
    }

    #[test]
    fn a_request_carries_the_deadline_of_its_invocation() {
        let request = lambda_http::Request::default();
        assert_eq!(Deadline::of_request(&request), None);
        let mut invocation = Context::default();
        invocation.deadline = 1_545_084_650_987;
        let request = request.with_lambda_context(invocation);
        let expected = SystemTime::UNIX_EPOCH + Duration::from_millis(1_545_084_650_987);
        assert_eq!(Deadline::of_request(&request), Some(Deadline::at(expected)));
    }
}
