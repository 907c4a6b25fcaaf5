//! The requests under way between processes and the services they ask. A request waits until the schedule carries it
//! out, and its answer until the schedule delivers it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use lake::{Created, ObjectPath};
use stream::Position;

use crate::objects::{HOLDINGS, Versions, versions};
use crate::world::World;

/// A process that asks.
pub(crate) type Client = usize;

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Create {
        path: ObjectPath,
        body: Bytes,
        known: Versions,
    },
    Read {
        path: ObjectPath,
    },
    List {
        prefix: String,
        after: Option<String>,
    },
    Folders {
        prefix: String,
    },
    Publish {
        key: String,
        value: Bytes,
    },
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Created(Created),
    Read(Option<Bytes>),
    Listed(Vec<ObjectPath>),
    Folders(Vec<String>),
    Published(Position),
    /// A 409: others create the same object at this moment, and nothing was written.
    Conflict,
    /// Nothing that is worth anything: a timeout, a lost connection, a 503.
    Failed,
}

/// How far a request has come.
#[derive(Debug)]
pub(crate) enum Stage {
    /// On its way to the service. One that comes late was given up by its client.
    Sent { late: bool },
    /// A listing that has its first page.
    Paging { found: Vec<ObjectPath> },
    /// On its way back.
    Returning(Answer),
    /// Come back, and not picked up yet.
    Delivered(Answer),
}

/// One request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) client: Client,
    pub(crate) call: Call,
    pub(crate) stage: Stage,
    /// Whoever waits for the answer; nobody any more once the caller was dropped.
    pub(crate) waiting: Option<Waker>,
}

/// The world, as processes and the schedule share it. There is one thread, so nobody ever waits for it.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request, and waits for its answer.
    pub(crate) fn ask(&self, client: Client, call: Call) -> Reply {
        Reply {
            world: self.clone(),
            client,
            state: Asking::Not(Some(call)),
        }
    }
}

enum Asking {
    Not(Option<Call>),
    Sent(u64),
    Done,
}

/// The answer to a request, when it comes. Dropped before, the request may be carried out all the same.
pub(crate) struct Reply {
    world: Shared,
    client: Client,
    state: Asking,
}

impl Future for Reply {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let shared = self.world.clone();
        let mut world = shared.lock();
        if let Asking::Not(call) = &mut self.state {
            let waker = context.waker().clone();
            let sent = call.take().map(|call| world.send(self.client, call, waker));
            self.state = sent.map_or(Asking::Done, Asking::Sent);
            return Poll::Pending;
        }
        let Asking::Sent(id) = self.state else {
            return Poll::Pending;
        };
        let Some(answer) = world.pick_up(id, context.waker()) else {
            return Poll::Pending;
        };
        self.state = Asking::Done;
        Poll::Ready(answer)
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Asking::Sent(id) = self.state {
            self.world.lock().give_up(id);
        }
    }
}

impl World {
    fn send(&mut self, client: Client, call: Call, waker: Waker) -> u64 {
        let id = self.next_request;
        self.next_request += 1;
        self.trace(|| format!("process {client} asks #{id} {call}"));
        self.requests.push(Request {
            id,
            client,
            call,
            stage: Stage::Sent { late: false },
            waiting: Some(waker),
        });
        id
    }

    fn position(&self, id: u64) -> Option<usize> {
        self.requests.iter().position(|request| request.id == id)
    }

    /// The answer to a request, if it was delivered.
    fn pick_up(&mut self, id: u64, waker: &Waker) -> Option<Answer> {
        let at = self.position(id)?;
        if !matches!(self.requests[at].stage, Stage::Delivered(_)) {
            self.requests[at].waiting = Some(waker.clone());
            return None;
        }
        let request = self.requests.swap_remove(at);
        let Stage::Delivered(answer) = request.stage else {
            return None;
        };
        if let (Call::List { prefix, .. }, Answer::Listed(paths)) = (&request.call, &answer)
            && prefix == HOLDINGS
        {
            self.seen.insert(request.client, versions(paths));
        }
        Some(answer)
    }

    fn give_up(&mut self, id: u64) {
        let Some(at) = self.position(id) else { return };
        match self.requests[at].stage {
            Stage::Sent { .. } => self.requests[at].waiting = None,
            _ => drop(self.requests.swap_remove(at)),
        }
    }
}
