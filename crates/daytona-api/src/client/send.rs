//! One call: attempts, waits, one deadline over all.

use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::Instrument as _;
use zeroize::Zeroizing;

use super::auth::Base;
use super::budget::Paid;
use super::span::{Told, retrying};
use super::{Daytona, retry};
use crate::error::{Error, ErrorKind};
use crate::request::Call;
use crate::response::{
    Answer, Patience, broken, decode, is_missing, read, read_error, refused, refused_by_storage,
};
use crate::transport::{About, Body, ByteStream, TransportError, Wait};

type Begun<'a, T> = Pin<Box<dyn Future<Output = Result<T, TransportError>> + Send + 'a>>;
type Sending<'a> = Begun<'a, http::Response<Body>>;
type Upgrading<'a> = Begun<'a, (http::Response<Body>, Option<Box<dyn ByteStream>>)>;

fn apart(answer: http::Response<Body>) -> (u16, HeaderMap, Body) {
    let (head, body) = answer.into_parts();
    (head.status.as_u16(), head.headers, body)
}

/// How much of a success to read.
#[derive(Clone, Copy)]
enum Want {
    /// All, up to this many bytes.
    All(usize),
    /// The head only; the body is streamed.
    Head,
}

enum Got {
    All(Answer),
    Head(u16, HeaderMap, Body, Patience),
}

/// An answer whose body is still to be read.
pub(crate) struct Streamed {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) patience: Patience,
}

impl Daytona {
    /// Sends and decodes.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        base: &Base,
        call: Call,
        limit: usize,
    ) -> Result<T, Error> {
        let id = call.route.id;
        let mut call = call;
        let answer = self.all(base, &mut call, limit).await?;
        decode(&answer, self.hidden(&call)).map_err(|error| error.with_operation(id))
    }

    /// Sends, and takes any success without looking at its body.
    pub(crate) async fn done(&self, base: &Base, mut call: Call) -> Result<Bytes, Error> {
        let limit = self.shared.config.limits.metadata;
        Ok(self.all(base, &mut call, limit).await?.body)
    }

    /// Sends to the control plane and decodes.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let limit = self.shared.config.limits.metadata;
        self.json(&self.shared.base, call, limit).await
    }

    /// As [`fetch`](Self::fetch), a list; null is an empty one.
    pub(crate) async fn list_of<T: DeserializeOwned>(&self, call: Call) -> Result<Vec<T>, Error> {
        let found: Option<Vec<T>> = self.fetch(call).await?;
        Ok(found.unwrap_or_default())
    }

    /// Sends to the control plane, and takes any success without looking at its body.
    pub(crate) async fn act(&self, call: Call) -> Result<(), Error> {
        self.done(&self.shared.base, call).await.map(drop)
    }

    /// The error that a refusal would have been, where it was taken as an answer.
    pub(crate) fn refused(&self, answer: &Answer) -> Error {
        let own = self.shared.config.credential.secret().expose();
        refused(
            answer.status,
            &answer.headers,
            &answer.body,
            &std::iter::once(own),
        )
    }

    /// Sends, and gives the whole answer as it came.
    pub(crate) async fn answer(
        &self,
        base: &Base,
        mut call: Call,
        limit: usize,
    ) -> Result<Answer, Error> {
        self.all(base, &mut call, limit).await
    }

    /// Sends, and leaves the body to the caller.
    pub(crate) async fn stream(&self, base: &Base, mut call: Call) -> Result<Streamed, Error> {
        match self.attempts(base, &mut call, Want::Head).await? {
            Got::Head(status, headers, body, patience) => Ok(Streamed {
                status,
                headers,
                body,
                patience,
            }),
            Got::All(_) => Err(Error::new(ErrorKind::Transport, "no body")),
        }
    }

    /// Sends once, and gives the connection that the server has switched to another protocol.
    pub(crate) async fn upgrade(
        &self,
        base: &Base,
        mut call: Call,
    ) -> Result<(HeaderMap, Box<dyn ByteStream>), Error> {
        let told = Told::call(base, &call);
        let attempt = told.attempt(1);
        let switching = self.switch(base, &mut call, [&told, &attempt]);
        let switched = switching.instrument(attempt.span());
        let switched = switched.instrument(told.span()).await;
        attempt.ended(switched.as_ref().err());
        told.ended(switched.as_ref().err());
        switched
    }

    async fn switch(
        &self,
        base: &Base,
        call: &mut Call,
        told: [&Told; 2],
    ) -> Result<(HeaderMap, Box<dyn ByteStream>), Error> {
        let id = call.route.id;
        let timeouts = &self.shared.config.timeouts;
        let deadline = Instant::now() + timeouts.total;
        let sent = timeout_at(deadline, self.upgrading(base, call, deadline)?).await;
        let late = |_| Error::new(ErrorKind::Timeout, "the call took too long").with_operation(id);
        let answer = sent.map_err(late)?;
        let (head, stream) = answer.map_err(|error| broken(error).with_operation(id))?;
        for told in told {
            told.answered(head.status().as_u16(), head.headers(), self.hidden(call));
        }
        if let Some(stream) = stream {
            return Ok((head.into_parts().0.headers, stream));
        }
        let (head, body) = head.into_parts();
        let patience = Patience {
            idle: timeouts.body_idle,
            deadline,
        };
        let status = head.status.as_u16();
        if head.status.is_success() {
            let what = "the server does not speak WebSocket here";
            let error = Error::new(ErrorKind::Decode, what).with_status(status);
            return Err(error.with_operation(id));
        }
        let text = Box::pin(read_error(body, patience)).await;
        let error = refused(status, &head.headers, &text, &self.hidden(call));
        Err(error.with_operation(id))
    }

    async fn all(&self, base: &Base, call: &mut Call, limit: usize) -> Result<Answer, Error> {
        match self.attempts(base, call, Want::All(limit)).await? {
            Got::All(answer) => Ok(answer),
            Got::Head(..) => Err(Error::new(ErrorKind::Transport, "no body")),
        }
    }

    fn hidden<'a>(&'a self, call: &'a Call) -> impl Iterator<Item = &'a str> + Clone {
        let own = self.shared.config.credential.secret().expose();
        let hidden = self.hidden.iter().flat_map(|hidden| hidden.iter());
        let texts = call.secrets.iter().chain(hidden);
        std::iter::once(own).chain(texts.map(|text| text.as_str()))
    }

    /// The request for the next attempt, with all that goes with each. Called within the attempt's span.
    fn request(&self, base: &Base, call: &mut Call) -> Result<http::Request<Body>, Error> {
        let mut request = call.request(base, &self.shared.headers)?;
        if self.shared.transport.wants_about() {
            let secrets = self.hidden(call);
            let secrets = secrets
                .map(|text| Zeroizing::new(text.to_owned()))
                .collect();
            let operation = call.route.id;
            request
                .extensions_mut()
                .insert(About { operation, secrets });
        }
        if call.is_foreign() {
            return Ok(request);
        }
        let headers = request.headers_mut();
        if self.quiet {
            let name = HeaderName::from_static("x-daytona-skip-last-activity-update");
            headers.insert(name, HeaderValue::from_static("true"));
        }
        if let Some(hook) = &self.shared.config.trace_context {
            hook.apply(headers);
        }
        Ok(request)
    }

    async fn attempts(&self, base: &Base, call: &mut Call, want: Want) -> Result<Got, Error> {
        let told = Told::call(base, call);
        let tried = self.tries(base, call, want, &told).instrument(told.span());
        let tried = tried.await;
        told.ended(tried.as_ref().err());
        tried
    }

    async fn tries(
        &self,
        base: &Base,
        call: &mut Call,
        want: Want,
        told: &Told,
    ) -> Result<Got, Error> {
        let id = call.route.id;
        let total = call
            .total
            .unwrap_or(self.shared.config.timeouts.total + call.wait);
        let deadline = Instant::now() + total;
        let mut paid = Paid::nothing(self.budget(base));
        let mut reached = false;
        for failed in 1.. {
            let attempt = told.attempt(failed);
            let trying = self.attempt(base, call, want, deadline, [told, &attempt]);
            let tried = trying.instrument(attempt.span()).await;
            attempt.ended(tried.as_ref().err());
            drop(attempt);
            let error = match tried {
                Ok(got) => {
                    paid.succeeded();
                    return Ok(got);
                }
                Err(error) => error.with_operation(id),
            };
            reached |= error.may_have_reached_server();
            let delay = retry::delay(&error, failed);
            let again = failed < self.shared.config.limits.attempts
                && call.is_repeatable()
                && Instant::now() + delay < deadline
                && retry::cost(&error, call.idempotent).is_some_and(|cost| paid.pay(cost));
            if !again {
                paid.failed();
                return Err(error.with_reached(reached));
            }
            retrying(id, failed, &error, delay);
            sleep(delay).await;
        }
        Err(Error::build("no attempt"))
    }

    async fn attempt(
        &self,
        base: &Base,
        call: &mut Call,
        want: Want,
        deadline: Instant,
        told: [&Told; 2],
    ) -> Result<Got, Error> {
        // requests and heads of answers are large: none of them may live across an await
        let sending = timeout_at(deadline, self.sending(base, call, deadline)?);
        let (status, headers, body) = match sending.await {
            Ok(answer) => apart(answer.map_err(broken)?),
            Err(_) => return Err(Error::new(ErrorKind::Timeout, "the call took too long")),
        };
        let patience = Patience {
            idle: self.shared.config.timeouts.body_idle,
            deadline,
        };
        for told in told {
            told.answered(status, &headers, self.hidden(call));
        }
        if !(200..300).contains(&status) && call.also != Some(status) {
            let text = Box::pin(read_error(body, patience)).await;
            let refused = if call.is_foreign() {
                refused_by_storage
            } else {
                refused
            };
            let error = refused(status, &headers, &text, &self.hidden(call));
            let is_desktop = call.route.path.starts_with("/computeruse");
            if is_desktop && status == 503 && is_missing(&headers, &text) {
                return Err(error.not_installed());
            }
            return Err(error);
        }
        match want {
            Want::Head => Ok(Got::Head(status, headers, body, patience)),
            Want::All(limit) => match read(body, limit, patience).await {
                Ok(body) => Ok(Got::All(Answer {
                    status,
                    headers,
                    body,
                })),
                Err(error) => Err(error.with_status(status)),
            },
        }
    }

    /// Begins to ask for another protocol.
    fn upgrading<'a>(
        &'a self,
        base: &Base,
        call: &mut Call,
        deadline: Instant,
    ) -> Result<Upgrading<'a>, Error> {
        let mut request = self.request(base, call)?;
        request.extensions_mut().insert(Wait {
            head: self.shared.config.timeouts.head,
            deadline,
        });
        Ok(self.shared.transport.upgrade(request))
    }

    /// Begins to send the next attempt.
    fn sending<'a>(
        &'a self,
        base: &Base,
        call: &mut Call,
        deadline: Instant,
    ) -> Result<Sending<'a>, Error> {
        let mut request = self.request(base, call)?;
        request.extensions_mut().insert(Wait {
            head: self.shared.config.timeouts.head.saturating_add(call.wait),
            deadline,
        });
        Ok(self.shared.transport.send(request))
    }
}

#[cfg(test)]
mod tests;
