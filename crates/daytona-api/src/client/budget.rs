//! How much may be retried in all, so that an outage is not made worse.

use std::sync::{Arc, Mutex, PoisonError};

const CAPACITY: u32 = 500;
/// What a retry costs after trouble of the connection or the server, and after "too many requests".
pub(crate) const COST_TROUBLE: u32 = 14;
pub(crate) const COST_THROTTLED: u32 = 5;

/// The tokens of one credential at one origin.
#[derive(Debug)]
pub(crate) struct Budget(Mutex<u32>);

impl Default for Budget {
    fn default() -> Self {
        Self(Mutex::new(CAPACITY))
    }
}

/// Tokens paid by one call. They come back when it succeeds or is dropped, and are spent when it fails.
#[derive(Debug)]
pub(crate) struct Paid {
    budget: Arc<Budget>,
    tokens: u32,
}

impl Budget {
    fn give(&self, tokens: u32) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_add(tokens).min(CAPACITY);
    }

    fn take(&self, tokens: u32) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match left.checked_sub(tokens) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }
}

impl Paid {
    pub(crate) fn nothing(budget: Arc<Budget>) -> Self {
        Self { budget, tokens: 0 }
    }

    pub(crate) fn pay(&mut self, tokens: u32) -> bool {
        let paid = self.budget.take(tokens);
        if paid {
            self.tokens += tokens;
        }
        paid
    }

    /// The call succeeded. A success without retries earns one token, so that the budget recovers.
    pub(crate) fn succeeded(mut self) {
        self.tokens = self.tokens.max(1);
    }

    /// The call failed for good.
    pub(crate) fn failed(mut self) {
        self.tokens = 0;
    }
}

impl Drop for Paid {
    fn drop(&mut self) {
        if self.tokens > 0 {
            self.budget.give(self.tokens);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_empty_it_and_successes_fill_it_to_its_capacity() {
        let budget = Arc::new(Budget::default());
        let mut retries = 0;
        loop {
            let mut paid = Paid::nothing(Arc::clone(&budget));
            if !paid.pay(COST_TROUBLE) {
                break;
            }
            paid.failed();
            retries += 1;
        }
        assert_eq!(retries, CAPACITY / COST_TROUBLE);
        for _ in 0..2 * CAPACITY {
            Paid::nothing(Arc::clone(&budget)).succeeded();
        }
        assert!(budget.take(CAPACITY));
        assert!(!budget.take(1));
        budget.give(COST_THROTTLED);
        let mut dropped = Paid::nothing(Arc::clone(&budget));
        assert!(dropped.pay(COST_THROTTLED));
        drop(dropped);
        assert!(
            budget.take(COST_THROTTLED),
            "a dropped call gives its tokens back"
        );
    }
}
