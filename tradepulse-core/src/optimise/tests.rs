use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::parameter::Parameters;
use crate::random::Seed;
use crate::variable::{Domain, Value, Variable};

const MIXED: &[Variable] = &[
    Variable::integer("lookback", 20, 200, 5, 100, "candles", ""),
    Variable::real("depth", 0.05, 0.5, 0.01, 0.18, "%", ""),
    Variable::choice("hours", &[4, 6, 12], 6, "h", ""),
    Variable::bool("trail", false, ""),
    Variable::real("distance", 0.5, 3.0, 0.5, 1.0, "ATR", ""),
    Variable::real("weight", -1.0, 1.0, 0.0, 0.0, "", ""),
];

/// All kinds of variables, one of them active only where another is true.
fn mixed() -> Space {
    Space::new(MIXED).unwrap().active_if("distance", "trail", &[Value::Bool(true)]).unwrap()
}

/// Maximal at lookback 80, depth 0.3, 12 hours, a trail of 2 and weight 0.4; a corner of the space
/// is infeasible.
fn objective(p: &Parameters) -> Outcome {
    let get = |name: &str| p.get::<f64>(name).unwrap();
    if get("lookback") > 150.0 && get("depth") > 0.35 {
        let violation = Some(get("lookback") - 150.0);
        return Outcome::Infeasible { reason: "too slow".into(), violation };
    }
    let trail: bool = p.get("trail").unwrap();
    let distance = if trail { (get("distance") - 2.0).abs() } else { 2.0 };
    let hours = if get("hours") == 12.0 { 0.0 } else { 0.5 };
    let far = ((get("lookback") - 80.0) / 100.0).powi(2) + ((get("depth") - 0.3) / 0.2).powi(2);
    Outcome::value(-far - hours - 0.3 * distance - (get("weight") - 0.4).powi(2))
}

/// Asks for batches of these sizes and tells what comes of them, each batch in the order that
/// `arrange` gives it.
fn run(
    search: &mut dyn Optimiser,
    batches: &[usize],
    evaluate: impl Fn(&Parameters) -> Outcome,
    arrange: impl Fn(&mut Vec<Told>),
) {
    for size in batches {
        let batch = search.ask(*size);
        let told = |s: Suggestion| Told { number: s.number, outcome: evaluate(&s.parameters) };
        let mut results: Vec<Told> = batch.into_iter().map(told).collect();
        arrange(&mut results);
        search.tell(results).unwrap();
    }
}

fn points(search: &dyn Optimiser) -> Vec<Point> {
    search.trials().iter().map(|t| t.point.clone()).collect()
}

/// Whether a value is one that a search of the whole domain may propose.
fn on_grid(domain: &Domain, value: Value) -> bool {
    domain.accept(value) == Some(value)
        && match (*domain, value) {
            (Domain::Integer { min, step, .. }, Value::Integer(i)) => (i - min) % step == 0,
            (Domain::Real { min, step, .. }, Value::Real(r)) if step > 0.0 => {
                let steps = (r - min) / step;
                (steps - steps.round()).abs() < 1e-6
            }
            _ => true,
        }
}

fn methods() -> impl Strategy<Value = Method> {
    proptest::sample::select(Method::ALL)
}

/// Tables of up to five variables of all kinds, some with a single value.
fn variables() -> impl Strategy<Value = &'static [Variable]> {
    let integer = (-50_i64..50, 0_i64..200, 1_i64..9).prop_map(|(min, width, step)| {
        Variable::integer("integer", min, min + width, step, min, "", "")
    });
    let real = (-30_i32..30, 0_i32..40, prop_oneof![Just(0.0), Just(0.05), Just(0.1), Just(2.5)])
        .prop_map(|(min, width, step)| {
            let (min, max) = (f64::from(min) / 10.0, f64::from(min + width) / 10.0);
            Variable::real("real", min, max, step, min, "", "")
        });
    let choices = proptest::sample::select(vec![&[4, 6, 12, 24][..], &[7], &[1, 2]]);
    let choice = choices.prop_map(|c| Variable::choice("choice", c, c[0], "", ""));
    let bool = Just(Variable::bool("bool", false, ""));
    let variable = prop_oneof![integer, real, choice, bool];
    prop::collection::vec(variable, 0..6).prop_map(|table| {
        let table: Vec<Variable> = table
            .into_iter()
            .enumerate()
            .map(|(i, v)| Variable { name: Box::leak(format!("v{i}").into_boxed_str()), ..v })
            .collect();
        &*Box::leak(table.into_boxed_slice())
    })
}

/// Some landscape over any table, with infeasible patches, plateaus and objectives that are not
/// numbers.
fn landscape(p: &Parameters) -> Outcome {
    let sum: f64 = p.iter().enumerate().map(|(i, (_, v))| v.as_f64() * (1.3 + i as f64)).sum();
    match (sum.abs() * 7.0) as u64 % 11 {
        0 => Outcome::infeasible("patch"),
        1 => Outcome::Infeasible { reason: "patch".into(), violation: Some(sum.abs()) },
        2 => Outcome::value(f64::NAN),
        3 => Outcome::value(f64::INFINITY),
        _ => Outcome::value((sum.sin() * 20.0).round()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the table, the sizes of batches and what is told: suggestions lie in their domains
    /// and on the search grid, are numbered without gaps and never repeated, and a search ends
    /// only when nothing is left.
    #[test]
    fn suggestions_are_of_the_space(
        method in methods(),
        variables in variables(),
        seed in any::<u64>(),
        batches in prop::collection::vec(1_usize..=32, 1..4),
    ) {
        let space = Space::new(variables).unwrap();
        let size = space.size();
        let mut search = method.start(space.clone(), Seed(seed));
        run(&mut *search, &batches, |p| {
            for (variable, value) in p.iter() {
                assert!(on_grid(&variable.domain, value), "{}: {value}", variable.domain);
            }
            assert_eq!(space.parameters(&space.point(p).unwrap()), p.clone());
            landscape(p)
        }, |_| ());
        let asked = batches.iter().sum::<usize>();
        prop_assert_eq!(search.trials().len() as u128, size.min(asked as u128));
        prop_assert_eq!(points(&*search).iter().collect::<BTreeSet<_>>().len(), search.trials().len());
        prop_assert!(search.pending().is_empty());
    }

    /// A search saved and resumed at every batch, through JSON, takes the way of one that was not;
    /// so does one whose results arrive in another order.
    #[test]
    fn state_and_order(
        method in methods(),
        seed in any::<u64>(),
        batches in prop::collection::vec(1_usize..=32, 1..5),
        turn in 0_usize..32,
    ) {
        let mut whole = method.start(mixed(), Seed(seed));
        run(&mut *whole, &batches, objective, |_| ());
        let mut saved = method.start(mixed(), Seed(seed));
        for size in &batches {
            let text = serde_json::to_string(&saved.state()).unwrap();
            saved = Method::resume(mixed(), serde_json::from_str(&text).unwrap()).unwrap();
            run(&mut *saved, &[*size], objective, |results| {
                results.reverse();
                let turn = turn % results.len().max(1);
                results.rotate_left(turn);
            });
        }
        prop_assert_eq!(points(&*whole), points(&*saved));
        prop_assert_eq!(whole.state(), saved.state());
    }

    /// Every rank has its own point, and the point its parameters.
    #[test]
    fn ranks(variables in variables(), ranks in prop::collection::vec(any::<u128>(), 1..20)) {
        let space = Space::new(variables).unwrap();
        let ranks: BTreeSet<u128> = ranks.iter().map(|r| r % space.size()).collect();
        let points: BTreeSet<Point> = ranks.iter().map(|r| space.nth(*r).unwrap()).collect();
        prop_assert_eq!(points.len(), ranks.len());
        for point in &points {
            prop_assert_eq!(space.point(&space.parameters(point)), Some(point.clone()));
            for neighbour in space.neighbours(point) {
                prop_assert!(space.holds(&neighbour) && neighbour != *point);
            }
        }
        prop_assert_eq!(space.nth(space.size()), None);
    }
}

#[test]
fn grid_enumerates_each_point_once() {
    const TABLE: &[Variable] = &[
        Variable::integer("a", 1, 7, 3, 1, "", ""),
        Variable::choice("kind", &[1, 2, 3], 1, "", ""),
        Variable::real("only_of_2", 0.0, 1.0, 0.25, 0.5, "", ""),
        Variable::bool("of_2_or_3", true, ""),
        Variable::bool("if_that", false, ""),
    ];
    let space = Space::new(TABLE).unwrap();
    assert_eq!(space.size(), 3 * 3 * 5 * 2 * 2);
    let (two, three) = (Value::Integer(2), Value::Integer(3));
    let space = space.active_if("only_of_2", "kind", &[two]).unwrap();
    let space = space.active_if("of_2_or_3", "kind", &[two, three]).unwrap();
    let space = space.active_if("if_that", "of_2_or_3", &[Value::Bool(true)]).unwrap();
    // Kind 1 has nothing; 2 has 5 × (1 + 2); 3 has (1 + 2).
    assert_eq!(space.size(), 3 * (1 + 15 + 3));
    let mut search = Method::Grid.start(space.clone(), Seed(0));
    let all: BTreeSet<String> =
        search.ask(1_000).iter().map(|s| serde_json::to_string(&s.parameters).unwrap()).collect();
    assert_eq!((all.len(), search.trials().len()), (57, 57));
    assert!(search.ask(1).is_empty());
    for method in Method::ALL {
        let mut search = method.start(space.clone(), Seed(3));
        run(&mut *search, &[7; 20], |_| Outcome::value(0.0), |_| ());
        assert_eq!(search.trials().len(), 57, "{method}");
    }
}

#[test]
fn restrictions() {
    let text = |name: &str, text: &str| {
        let domain = &MIXED.iter().find(|v| v.name == name).unwrap().domain;
        Space::new(MIXED).unwrap().restrict(name, &Restriction::parse(domain, text).unwrap())
    };
    let values = |space: Result<Space, SpaceError>, name: &str| -> BTreeSet<String> {
        let mut search = Method::Random.start(space.unwrap(), Seed(1));
        let value = |s: Suggestion| s.parameters.iter().find(|(v, _)| v.name == name).unwrap().1;
        search.ask(300).into_iter().map(|s| value(s).to_string()).collect()
    };
    assert_eq!(
        values(text("lookback", "23..35"), "lookback"),
        ["23", "28", "33"].map(str::to_owned).into()
    );
    assert_eq!(
        values(text("lookback", "20..21:1"), "lookback"),
        ["20", "21"].map(str::to_owned).into()
    );
    assert_eq!(
        values(text("depth", "0.05..0.2:0.05"), "depth"),
        ["0.05", "0.1", "0.15", "0.2"].map(str::to_owned).into()
    );
    assert_eq!(values(text("hours", "5..12"), "hours"), ["12", "6"].map(str::to_owned).into());
    assert_eq!(values(text("hours", "4,12"), "hours"), ["12", "4"].map(str::to_owned).into());
    assert_eq!(values(text("trail", "true"), "trail"), ["true".to_owned()].into());
    assert_eq!(text("hours", "7..11"), Err(SpaceError::Empty { name: "hours" }));
    assert_eq!(Restriction::parse(&Domain::Bool, "maybe"), None);
    let space = Space::new(MIXED).unwrap();
    let unknown =
        space.clone().restrict("dept", &Restriction::Fixed(Value::Real(0.1))).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no variable \"dept\"; did you mean \"depth\"?");
    let outside =
        space.clone().restrict("depth", &Restriction::Fixed(Value::Real(0.9))).unwrap_err();
    assert_eq!(outside.to_string(), "depth = 0.9 is outside its domain: 0.05 … 0.5, step 0.01");
    assert!(space.active_if("trail", "distance", &[]).is_err());
}

/// What is stored of a space is enough to make it again.
#[test]
fn a_space_is_made_again_from_its_json() {
    let parse = |name: &str, text: &str| {
        let variable = MIXED.iter().find(|v| v.name == name).unwrap();
        Restriction::parse(&variable.domain, text).unwrap()
    };
    let restricted = [
        ("lookback", "23..36"),
        ("depth", "0.05..0.2:0.05"),
        ("hours", "5..12"),
        ("trail", "true"),
        ("weight", "-0.5..0.25"),
    ];
    let whole = || Space::new(MIXED).unwrap();
    let narrow = restricted
        .iter()
        .fold(whole(), |space, (name, text)| space.restrict(name, &parse(name, text)).unwrap());
    for space in [whole(), narrow] {
        let json = serde_json::to_value(&space).unwrap();
        let again = json.as_array().unwrap().iter().fold(whole(), |space, dimension| {
            let text = |key: &str| dimension[key].as_str().unwrap();
            let (name, search) = (text("name"), text("search"));
            space.restrict(name, &parse(name, search)).unwrap()
        });
        assert_eq!(again.size(), space.size(), "{json}");
        for rank in [0, 1, space.size() / 2, space.size() - 1] {
            let parameters = space.parameters(&space.nth(rank).unwrap());
            assert_eq!(again.parameters(&again.nth(rank).unwrap()), parameters);
        }
    }
}

/// A condition of the table is one of the space, for every method.
#[test]
fn variables_without_meaning_are_not_varied() {
    const TABLE: &[Variable] = &[
        Variable::bool("trail", false, ""),
        Variable::integer("distance", 1, 9, 1, 4, "", "").only_if("trail", &[Value::Bool(true)]),
    ];
    for method in Method::ALL.iter().copied() {
        let mut search = method.start(Space::new(TABLE).unwrap(), Seed(2));
        run(&mut *search, &[5; 4], |p| Outcome::value(p.get("distance").unwrap()), |_| ());
        assert_eq!(search.trials().len(), 10, "{method}: one without a trail, nine with");
    }
    const BACKWARDS: &[Variable] = &[
        Variable::integer("distance", 1, 9, 1, 4, "", "").only_if("trail", &[Value::Bool(true)]),
        Variable::bool("trail", false, ""),
    ];
    assert!(matches!(Space::new(BACKWARDS), Err(SpaceError::Order { .. })));
}

#[test]
fn what_belongs_to_nothing_is_refused() {
    let mut search = Method::Random.start(mixed(), Seed(1));
    let told = |number, outcome| vec![Told { number, outcome }];
    assert_eq!(search.tell(told(0, Outcome::value(1.0))), Err(TellError::Unknown { number: 0 }));
    search.ask(3);
    search.tell(told(1, Outcome::value(1.0))).unwrap();
    assert_eq!(search.tell(told(1, Outcome::value(1.0))), Err(TellError::Twice { number: 1 }));
    let two = Outcome::Feasible(vec![1.0, 2.0]);
    assert_eq!(search.tell(told(0, two)), Err(TellError::Objectives { number: 0, wanted: 1 }));
    assert_eq!(search.pending().iter().map(|s| s.number).collect::<Vec<_>>(), [0, 2]);
    search.tell(told(2, Outcome::value(f64::NAN))).unwrap();
    assert!(search.trials()[2].outcome.as_ref().unwrap().objective().is_none());
    assert_eq!(search.best().map(|t| t.number), Some(1));
    let state = search.state();
    let other = mixed().restrict("hours", &Restriction::Fixed(Value::Integer(4))).unwrap();
    assert_eq!(Method::resume(other, state.clone()).err(), Some(ResumeError::Space));
    let gap = State { trials: state.trials[1..].to_vec(), ..state };
    assert_eq!(Method::resume(mixed(), gap).err(), Some(ResumeError::Numbers { number: 0 }));
}

#[test]
fn quasi_random_points_keep_their_distance() {
    const UNIT: &[Variable] = &[
        Variable::real("x", 0.0, 1.0, 0.0, 0.0, "", ""),
        Variable::real("y", 0.0, 1.0, 0.0, 0.0, "", ""),
    ];
    let space = Space::new(UNIT).unwrap();
    let mut search = Method::Quasi.start(space, Seed(5));
    // One point in each cell of base 2 × base 3.
    let cells: BTreeSet<(u64, u64)> = search
        .ask(72)
        .iter()
        .map(|s| (s.parameters.get::<f64>("x").unwrap(), s.parameters.get::<f64>("y").unwrap()))
        .map(|(x, y)| ((x * 8.0) as u64, (y * 9.0) as u64))
        .collect();
    assert_eq!(cells.len(), 72);
}

/// Methods that learn from one objective.
const LEARNERS: &[Method] = &[Method::Tpe, Method::GaussianProcess, Method::CmaEs, Method::Nsga2];

/// The median over seeds of the best of `trials` on a sphere with its centre off the middle.
fn median_on_sphere(method: Method, trials: usize) -> f64 {
    const BALL: &[Variable] = &[
        Variable::real("a", -5.0, 5.0, 0.0, 0.0, "", ""),
        Variable::real("b", -5.0, 5.0, 0.0, 0.0, "", ""),
        Variable::real("c", -5.0, 5.0, 0.1, 0.0, "", ""),
        Variable::integer("d", -50, 50, 1, 0, "", ""),
    ];
    let mut bests: Vec<f64> = (0..15)
        .map(|seed| {
            let mut search = method.start(Space::new(BALL).unwrap(), Seed(seed));
            let sphere = |p: &Parameters| {
                let x = |name| p.get::<f64>(name).unwrap();
                let tenth = x("d") / 10.0;
                let far = [x("a") - 1.3, x("b") + 2.1, x("c") - 0.7, tenth + 1.2];
                Outcome::value(-far.iter().map(|x| x * x).sum::<f64>())
            };
            run(&mut *search, &vec![4; trials / 4], sphere, |_| ());
            search.best().unwrap().outcome.as_ref().unwrap().objective().unwrap()
        })
        .collect();
    bests.sort_by(f64::total_cmp);
    bests[bests.len() / 2]
}

#[test]
fn learning_beats_dice() {
    let random = median_on_sphere(Method::Random, 120);
    for method in LEARNERS.iter().copied() {
        let learned = median_on_sphere(method, 120);
        println!("{method}: {learned}");
        // A generation of the genetic search is a good part of so few trials.
        let factor = if method == Method::Nsga2 { 2.0 } else { 5.0 };
        assert!(learned > random / factor, "{method}: {learned}, random: {random}");
    }
}

#[test]
fn infeasible_regions_are_left() {
    for method in LEARNERS.iter().copied() {
        let mut search = method.start(mixed(), Seed(9));
        // Nine tenths of the space are infeasible, and say how much.
        let evaluate = |p: &Parameters| {
            let depth: f64 = p.get("depth").unwrap();
            if depth > 0.1 {
                let violation = Some(depth - 0.1);
                return Outcome::Infeasible { reason: "too deep".into(), violation };
            }
            objective(p)
        };
        run(&mut *search, &[8; 15], evaluate, |_| ());
        let feasible = |t: &&Trial| t.outcome.as_ref().unwrap().objective().is_some();
        let late = search.trials()[60..].iter().filter(feasible).count();
        assert!(late > 30, "{method}: {late} of 60");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// No trial of a front is beaten by any other, and every other feasible one is beaten.
    #[test]
    fn fronts(seed in any::<u64>(), size in 1_usize..=32) {
        let mut search = Method::Nsga2.start(mixed(), Seed(seed));
        // Profit against risk.
        let two = |p: &Parameters| match objective(p) {
            Outcome::Feasible(one) => {
                let lookback: f64 = p.get("lookback").unwrap();
                Outcome::Feasible(vec![one[0], -lookback / 10.0])
            }
            infeasible => infeasible,
        };
        run(&mut *search, &vec![size; 160 / size], two, |_| ());
        let values = |t: &Trial| t.outcome.as_ref().unwrap().objectives().unwrap().to_vec();
        let front: Vec<Vec<f64>> = search.front().into_iter().map(values).collect();
        let beats = |a: &[f64], b: &[f64]| a != b && a.iter().zip(b).all(|(a, b)| a >= b);
        prop_assert!(!front.is_empty());
        for one in &front {
            prop_assert!(!front.iter().any(|other| beats(other, one)));
        }
        let feasible = |t: &&Trial| t.outcome.as_ref().unwrap().objectives().is_some();
        for trial in search.trials().iter().filter(feasible) {
            let own = values(trial);
            prop_assert!(front.contains(&own) || front.iter().any(|other| beats(other, &own)));
        }
    }
}

/// The area that a front covers above (−4, −4), on the problem of Schaffer 1985: −x² and −(x − 2)².
#[test]
fn fronts_are_found_and_covered() {
    const LINE: &[Variable] = &[
        Variable::real("x", -100.0, 100.0, 0.0, 50.0, "", ""),
        Variable::real("y", -100.0, 100.0, 0.0, 50.0, "", ""),
    ];
    let covered = |method: Method| {
        let mut search = method.start(Space::new(LINE).unwrap(), Seed(4));
        let both = |p: &Parameters| {
            let (x, y): (f64, f64) = (p.get("x").unwrap(), p.get("y").unwrap());
            Outcome::Feasible(vec![-x * x - y * y, -(x - 2.0) * (x - 2.0) - y * y])
        };
        run(&mut *search, &[10; 60], both, |_| ());
        let mut front: Vec<Vec<f64>> = search
            .front()
            .iter()
            .map(|t| t.outcome.as_ref().unwrap().objectives().unwrap().to_vec())
            .filter(|o| o.iter().all(|o| *o > -4.0))
            .collect();
        front.sort_by(|a, b| b[0].total_cmp(&a[0]));
        let mut floor = -4.0;
        front
            .iter()
            .map(|o| {
                let area = (o[0] + 4.0) * (o[1] - floor).max(0.0);
                floor = f64::max(floor, o[1]);
                area
            })
            .sum::<f64>()
    };
    // All of the true front covers 13⅓.
    let (genetic, random) = (covered(Method::Nsga2), covered(Method::Random));
    assert!(genetic > 11.0 && genetic > random, "{genetic} {random}");
}

/// Killed in the middle of a batch: what is under way is known, and the search goes on as before.
#[test]
fn resumes_in_the_middle_of_a_batch() {
    for method in Method::ALL {
        let mut search = method.start(mixed(), Seed(11));
        run(&mut *search, &[8; 5], objective, |_| ());
        let batch = search.ask(8);
        let told = |s: &Suggestion| Told { number: s.number, outcome: objective(&s.parameters) };
        search.tell(batch.iter().step_by(2).map(told).collect()).unwrap();
        let text = serde_json::to_string(&search.state()).unwrap();
        let mut resumed = Method::resume(mixed(), serde_json::from_str(&text).unwrap()).unwrap();
        let open: Vec<Suggestion> = batch.iter().skip(1).step_by(2).cloned().collect();
        assert_eq!(resumed.pending(), open, "{method}");
        assert_eq!(resumed.ask(3), search.ask(3), "{method}");
        for search in [&mut search, &mut resumed] {
            search.tell(open.iter().map(told).collect()).unwrap();
            let late = search.pending();
            search.tell(late.iter().map(told).collect()).unwrap();
        }
        assert_eq!(resumed.ask(9), search.ask(9), "{method}");
    }
}
