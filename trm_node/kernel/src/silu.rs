//! The net's activation function.

use crate::simd::vector::Simd;

/// `x / (1 + e^-x)`.
///
/// # Safety
/// The processor has the instruction set of `S`.
#[inline(always)]
pub(crate) unsafe fn silu<S: Simd>(x: S::Vector) -> S::Vector {
    unsafe { S::div(x, S::add(S::set(1.0), exp::<S>(S::sub(S::set(0.0), x)))) }
}

/// `e^x` with a relative error of 2e-7, for `x` limited to -87 … 88. Coefficients: Cephes (Moshier), `expf`.
#[inline(always)]
unsafe fn exp<S: Simd>(x: S::Vector) -> S::Vector {
    /// 1.5 · 2^23: a small number added to it is rounded to a whole one, which is then in the lowest bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    unsafe {
        let x = S::clamp(x, S::set(-87.0), S::set(88.0));
        let shifted = S::fma(x, S::set(std::f32::consts::LOG2_E), S::set(ROUND));
        let whole = S::sub(shifted, S::set(ROUND));
        // e^x = 2^whole · e^r. The natural logarithm of 2 is subtracted in two parts, for exactness.
        let r = S::fma(whole, S::set(-0.693_359_4), x);
        let r = S::fma(whole, S::set(2.121_944_4e-4), r);
        let mut p = S::set(1.987_569_1e-4);
        for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
            p = S::fma(p, r, S::set(coefficient));
        }
        let p = S::add(S::fma(S::mul(p, r), r, r), S::set(1.0));
        S::scale(p, shifted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{Level, Work};

    struct Exp(f32);

    impl Work for Exp {
        type Output = f32;

        #[inline(always)]
        unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self) -> f32 {
            let mut lanes = [0.0; 16];
            unsafe { S::store(lanes.as_mut_ptr(), exp::<S>(S::set(self.0))) };
            lanes[0]
        }
    }

    #[test]
    fn the_exponential_is_right_where_it_matters_and_finite_everywhere() {
        // Miri is slow.
        let step = if cfg!(miri) { 100 } else { 1 };
        for level in Level::available() {
            for at in (-8700..8800).step_by(step) {
                let x = at as f32 / 100.0;
                let expected = f64::from(x).exp();
                let error = (f64::from(level.run(Exp(x))) - expected).abs() / expected;
                assert!(error < 1e-6, "exp({x}) is off by {error} on {level:?}");
            }
            for x in [f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY] {
                assert!(level.run(Exp(x)).is_finite(), "exp({x}) on {level:?}");
            }
        }
    }
}
