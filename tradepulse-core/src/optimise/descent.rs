//! A local minimum of a smooth function in a box: BFGS with steps projected into the box.
//! Nocedal & Wright, *Numerical Optimization*, 2006, chapters 6 and 16.7.

use ndarray::{Array1, Array2, Zip};

/// Minimises `f`, which returns the value and the gradient, over `low..=high` in every coordinate,
/// in at most `evaluations` calls of it. Returns the best place and its value.
pub(super) fn minimise(
    mut f: impl FnMut(&Array1<f64>) -> (f64, Array1<f64>),
    start: Array1<f64>,
    (low, high): (f64, f64),
    evaluations: usize,
) -> (Array1<f64>, f64) {
    let n = start.len();
    let mut x = start.mapv(|x| x.clamp(low, high));
    let (mut value, mut gradient) = f(&x);
    let mut spent = 1;
    let mut hessian: Option<Array2<f64>> = None;
    while spent < evaluations && value.is_finite() {
        // A coordinate at the border that would leave the box stays.
        let stuck = |x: f64, g: f64| (x <= low && g > 0.0) || (x >= high && g < 0.0);
        let free = Zip::from(&x).and(&gradient).map_collect(|x, g| !stuck(*x, *g));
        let slope = Zip::from(&gradient).and(&free).map_collect(|g, f| if *f { *g } else { 0.0 });
        let steepest = slope.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
        if steepest < 1e-9 {
            break;
        }
        // The first step goes a twentieth of the box.
        let first = -&slope * (0.05 * (high - low) / steepest);
        let mut step = hessian.as_ref().map_or_else(|| first.clone(), |h| -h.dot(&slope));
        Zip::from(&mut step).and(&free).for_each(|s, f| *s = if *f { *s } else { 0.0 });
        if step.dot(&slope) >= 0.0 {
            hessian = None;
            step = first;
        }
        let mut moved = None;
        let mut length = 1.0;
        while spent < evaluations && length > 1e-4 {
            let there =
                Zip::from(&x).and(&step).map_collect(|x, s| (x + length * s).clamp(low, high));
            let (next, next_gradient) = f(&there);
            spent += 1;
            let way = &there - &x;
            let expected = way.dot(&slope);
            if next <= value + 1e-4 * expected {
                moved = Some((there, next, next_gradient, way));
                break;
            }
            // The minimum of the parabola through what is known, within reason.
            let curve = next - value - expected;
            let best = if curve > 0.0 { -0.5 * expected / curve } else { 0.5 };
            length *= best.clamp(0.1, 0.5);
        }
        let Some((there, next, next_gradient, way)) = moved else { break };
        let turn = &next_gradient - &gradient;
        let curvature = way.dot(&turn);
        if curvature > 1e-12 {
            let old = hessian.unwrap_or_else(|| Array2::eye(n) * (curvature / turn.dot(&turn)));
            hessian = Some(update(old, &way, &turn, curvature));
        }
        let gain = value - next;
        (x, value, gradient) = (there, next, next_gradient);
        if gain < 1e-9 * (1.0 + value.abs()) {
            break;
        }
    }
    (x, value)
}

/// The inverse Hessian after a step: formula (6.17).
fn update(h: Array2<f64>, s: &Array1<f64>, y: &Array1<f64>, sy: f64) -> Array2<f64> {
    let hy = h.dot(y);
    let factor = (1.0 + y.dot(&hy) / sy) / sy;
    let mut next = h;
    for ((i, j), value) in next.indexed_iter_mut() {
        *value += factor * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / sy;
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_minima_inside_and_at_the_border() {
        let rosenbrock = |x: &Array1<f64>| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            let gradient = ndarray::array![-2.0 * a - 400.0 * x[0] * b, 200.0 * b];
            (a * a + 100.0 * b * b, gradient)
        };
        let start = ndarray::array![-1.2, 1.0];
        let (x, value) = minimise(rosenbrock, start.clone(), (-2.0, 2.0), 200);
        assert!(value < 1e-8, "{x} {value}");
        let (x, _) = minimise(rosenbrock, start, (-2.0, 0.5), 200);
        assert!((x[0] - 0.5).abs() < 1e-6 && (x[1] - 0.25).abs() < 1e-6, "{x}");
    }
}
