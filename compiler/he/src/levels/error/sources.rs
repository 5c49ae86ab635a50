//! The noise of a ciphertext by where it came from: what tells whether the noises of two values are correlated.
//!
//! A source is a fresh ciphertext, or a polynomial that was computed: the noise that making it adds. Noise in different slots of a
//! source is not correlated, and a value and its rotation have that of different slots. What operations add later is counted to a source
//! that the value has already: whoever shares it has that source too. So deviations of different sources add in squares, and so do those
//! of one source if none of its slots is in both; others add up.

use super::slots::about;
use super::turns::Turns;
use ein_ir::entity::Ciphertext;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Sources that are kept apart; of more, all are one.
const MAX_SOURCES: usize = 6;

/// Noise of one source, or of several that are not told apart.
#[derive(Clone, Debug)]
struct Source {
    roots: Rc<BTreeSet<Ciphertext>>,
    /// Standard deviation in each class of slots.
    sigma: Vec<f64>,
    /// By how many slots the source was rotated on its ways here.
    rotations: Rc<Turns>,
}

/// The noise of a ciphertext: sources without a common root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(Vec<Source>);

impl Sources {
    /// Of a source, which is where it is.
    pub(crate) fn new(root: Ciphertext, sigma: Vec<f64>, slots: usize) -> Self {
        Self(vec![Source { roots: Rc::new(BTreeSet::from([root])), sigma, rotations: Rc::new(Turns::none(slots)) }])
    }

    /// As much in so many classes as there is in any, from slots that are not known.
    pub(crate) fn everywhere(&self, classes: usize) -> Self {
        let of = |source: &Source| {
            let worst = source.sigma.iter().copied().fold(0.0, f64::max);
            Source { roots: Rc::clone(&source.roots), sigma: vec![worst; classes], rotations: Rc::new(source.rotations.everywhere()) }
        };
        Self(self.0.iter().map(of).collect())
    }

    /// Of other classes, each of which is part of one of these.
    pub(crate) fn picked(&self, classes: &[usize]) -> Self {
        let of = |source: &Source| {
            let sigma = classes.iter().map(|&class| source.sigma[class]).collect();
            Source { roots: Rc::clone(&source.roots), sigma, rotations: Rc::clone(&source.rotations) }
        };
        Self(self.0.iter().map(of).collect())
    }

    /// What tells the noise of a class from that of others.
    pub(crate) fn key(&self, class: usize) -> [u64; MAX_SOURCES] {
        let mut key = [0; MAX_SOURCES];
        self.0.iter().zip(&mut key).for_each(|(source, key)| *key = about(source.sigma[class]));
        key
    }

    /// As much as in any of the classes that were put together; of each of these, the new one.
    pub(crate) fn raise(&mut self, of: &Self, new: &[u16]) {
        for (source, of) in self.0.iter_mut().zip(&of.0) {
            for (sigma, &new) in of.sigma.iter().zip(new) {
                let there = &mut source.sigma[usize::from(new)];
                *there = there.max(*sigma);
            }
        }
    }

    /// Deviations of all sources together, of each of so many classes.
    pub(crate) fn deviations(&self, classes: usize) -> Vec<f64> {
        let mut all = vec![0.0_f64; classes];
        match &self.0[..] {
            [one] => all.clone_from(&one.sigma),
            several => {
                several.iter().flat_map(|source| source.sigma.iter().enumerate()).for_each(|(n, sigma)| all[n] += sigma * sigma);
                all.iter_mut().for_each(|sum| *sum = sum.sqrt());
            }
        }
        all
    }

    /// Of slots that are rotated; the classes are as they were.
    pub(crate) fn rotate(&mut self, by: usize) {
        for source in &mut self.0 {
            source.rotations = Rc::new(source.rotations.rotated(by));
        }
    }

    pub(crate) fn scaled(mut self, factors: &[f64]) -> Self {
        self.0
            .iter_mut()
            .for_each(|source| source.sigma.iter_mut().zip(factors).for_each(|(sigma, factor)| *sigma = scaled(*sigma, *factor)));
        self
    }

    /// Of a sum.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let mut all = self.clone();
        for source in &other.0 {
            let (shared, apart): (Vec<Source>, Vec<Source>) = all.0.into_iter().partition(|known| !known.roots.is_disjoint(&source.roots));
            let shared = shared.into_iter().reduce(|a, b| a.joined(&b, true));
            all.0 = apart;
            all.0.push(match shared {
                Some(shared) => {
                    let independent = shared.is_apart_from(source);
                    shared.joined(source, independent)
                }
                None => source.clone(),
            });
        }
        if all.0.len() > MAX_SOURCES {
            all.0 = all.0.into_iter().reduce(|a, b| a.joined(&b, true)).into_iter().collect();
        }
        all
    }

    /// With noise that an operation adds to every one of so many slots, in so many classes.
    pub(crate) fn add(&mut self, root: Ciphertext, sigma: f64, (classes, slots): (usize, usize)) {
        match self.0.iter_mut().min_by_key(|source| source.rotations.count()) {
            Some(source) => source.sigma.iter_mut().for_each(|s| *s = s.hypot(sigma)),
            None => *self = Self::new(root, vec![sigma; classes], slots),
        }
    }
}

impl Source {
    fn is_apart_from(&self, other: &Self) -> bool {
        self.rotations.is_disjoint(&other.rotations)
    }

    fn joined(mut self, other: &Self, independent: bool) -> Self {
        let sum = |a: f64, b: f64| if independent { a.hypot(b) } else { a + b };
        self.sigma.iter_mut().zip(&other.sigma).for_each(|(a, b)| *a = sum(*a, *b));
        if !Rc::ptr_eq(&self.rotations, &other.rotations) {
            self.rotations = Rc::new(self.rotations.with(&other.rotations));
        }
        if !other.roots.is_subset(&self.roots) {
            self.roots = Rc::new(self.roots.union(&other.roots).copied().collect());
        }
        self
    }
}

/// Nothing times what is unbounded is nothing.
pub(crate) fn scaled(error: f64, factor: f64) -> f64 {
    if error == 0.0 || factor == 0.0 { 0.0 } else { error * factor }
}
