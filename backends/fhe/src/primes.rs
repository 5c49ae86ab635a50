//! Primes that the residues of a ring are taken modulo.

/// The primes of exactly so many bits, fewer than 64, that are 1 modulo `step`, a power of two; the largest first.
pub(crate) fn primes_of_bits(bits: u32, step: u64) -> impl Iterator<Item = u64> {
    let top = 1_u64 << bits;
    let first = (top - 1) / step * step + 1;
    let candidates = std::iter::successors(Some(first), move |p| p.checked_sub(step));
    candidates.skip_while(move |p| *p >= top).take_while(move |p| *p >= top / 2).filter(|p| is_prime(*p))
}

/// Miller and Rabin's test with the bases that decide every number of 64 bits.
fn is_prime(n: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 2 || BASES.contains(&n) {
        return n >= 2;
    }
    if BASES.iter().any(|base| n.is_multiple_of(*base)) {
        return false;
    }
    let twos = (n - 1).trailing_zeros();
    let odd = (n - 1) >> twos;
    BASES.iter().all(|base| {
        let first = power(*base, odd, n);
        let mut squares = std::iter::successors(Some(first), |x| Some(product(*x, *x, n))).take(twos as usize);
        first == 1 || squares.any(|x| x == n - 1)
    })
}

/// Modulo a number.
pub(crate) fn product(a: u64, b: u64, modulus: u64) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "below the modulus")]
    let product = (u128::from(a) * u128::from(b) % u128::from(modulus)) as u64;
    product
}

/// `base^exponent` modulo a number.
pub(crate) fn power(mut base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = product(result, base, modulus);
        }
        base = product(base, base, modulus);
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{is_prime, primes_of_bits};

    #[test]
    fn small_numbers_are_tested_as_by_division() {
        for n in 0..5000_u64 {
            let divided = n >= 2 && (2..n).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
            assert_eq!(is_prime(n), divided, "{n}");
        }
        assert!(is_prime(18_446_744_073_709_551_557), "the largest of 64 bits");
        assert!(!is_prime(3_215_031_751), "a strong pseudoprime to 2, 3, 5 and 7");
    }

    #[test]
    fn primes_have_the_bits_and_the_residue_asked_for() {
        assert_eq!(primes_of_bits(17, 16384).collect::<Vec<_>>(), [114_689, 65_537]);
        assert_eq!(primes_of_bits(10, 1024).count(), 0);
        for bits in 20..60 {
            for p in primes_of_bits(bits, 1 << 14).take(3) {
                assert_eq!((64 - p.leading_zeros(), p % (1 << 14)), (bits, 1));
            }
        }
    }
}
