//! Lists that come in pages.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::error::{Error, ErrorKind};

/// A stream of items, or of pages, fetched as it is read. After an error it ends.
///
/// # Cancel safety
///
/// Dropping it, or the future of the next item, loses nothing but the page that is on its way.
#[must_use]
pub struct Items<T>(Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>);

impl<T> Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items")
    }
}

/// Pages from `fetch`, which takes a cursor and gives a page and the next cursor.
pub(crate) fn pages<T, F, R>(fetch: F) -> Items<Vec<T>>
where
    T: Send + 'static,
    F: Fn(Option<String>) -> R + Send + 'static,
    R: Future<Output = Result<(Vec<T>, Option<String>), Error>> + Send + 'static,
{
    let first = Some((None, fetch));
    let pages = stream::try_unfold(first, |state: Option<(Option<String>, F)>| async move {
        let Some((cursor, fetch)) = state else {
            return Ok(None);
        };
        let (page, next) = fetch(cursor.clone()).await?;
        let next = next.filter(|next| !next.is_empty());
        if next.is_some() && next == cursor {
            let what = "the server gives the same page again and again";
            return Err(Error::new(ErrorKind::Decode, what));
        }
        let state = next.map(|next| (Some(next), fetch));
        Ok(Some((page, state)))
    });
    Items(pages.boxed())
}

/// The items of `pages`.
pub(crate) fn items<T: Send + 'static>(pages: Items<Vec<T>>) -> Items<T> {
    let items = pages
        .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
        .try_flatten();
    Items(items.boxed())
}
