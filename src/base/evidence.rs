//! What run logs say about jobs, by the names that the logs have.

/// What a cache of a job's environments would save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saves {
    /// Building environments, a run, and restoring the packages for it.
    pub builds_seconds: u32,
    pub restores_packages: bool,
    /// What is left of that after what a cache costs.
    pub about_seconds: u32,
    pub pays: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// By what may be the job's own name, sorted, each with its place in the logs.
    jobs: Vec<(String, usize, Saves)>,
}

impl Evidence {
    pub fn new(jobs: Vec<(String, Saves)>) -> Self {
        let mut named: Vec<(String, usize, Saves)> = Vec::new();
        for (place, (logged, saves)) in jobs.into_iter().enumerate() {
            named.extend(candidates(&logged).into_iter().map(|name| (name, place, saves)));
        }
        named.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        Self { jobs: named }
    }

    /// What the logs say of the job `id` that is called `name`: of the leg that gains most, where
    /// it has several. `None` where they say nothing.
    pub fn of_job(&self, id: &str, name: Option<&str>) -> Option<Saves> {
        let by_id = self.jobs_from(id).iter().take_while(|(logged, ..)| logged == id);
        let by_name = name.into_iter().flat_map(|name| {
            self.that_may_fit(name).iter().filter(move |(logged, ..)| fits(name, logged))
        });
        by_id
            .chain(by_name)
            .max_by_key(|(_, place, saves)| (saves.pays, saves.about_seconds, *place))
            .map(|(.., saves)| *saves)
    }

    /// Those that begin like a `name:`.
    fn that_may_fit(&self, name: &str) -> &[(String, usize, Saves)] {
        let start = name.split("${{").next().unwrap_or(name);
        let from = self.jobs_from(start);
        &from[..from.partition_point(|(logged, ..)| logged.starts_with(start))]
    }

    fn jobs_from(&self, start: &str) -> &[(String, usize, Saves)] {
        &self.jobs[self.jobs.partition_point(|(logged, ..)| logged.as_str() < start)..]
    }
}

/// What may be the job's own name in `CI/tests-2` (act), `caller / tests (3.12, a/b)` (GitHub).
fn candidates(logged: &str) -> Vec<String> {
    // Matrix values may hold anything, slashes included.
    let head = logged.split(" (").next().unwrap_or(logged);
    let mut found = vec![logged, head];
    found.extend(head.rsplit(" / ").next());
    found.extend(head.split_once('/').map(|(_, job)| job));
    found.extend(logged.split_once('/').map(|(_, job)| job));
    let legs: Vec<&str> = found.iter().filter_map(|name| without_leg(name)).collect();
    found.extend(legs);
    found.into_iter().map(|name| name.trim().to_owned()).collect()
}

/// act numbers the legs of a matrix.
fn without_leg(name: &str) -> Option<&str> {
    let (stem, leg) = name.rsplit_once('-')?;
    (!leg.is_empty() && leg.bytes().all(|b| b.is_ascii_digit())).then_some(stem)
}

/// Whether a `name:` with expressions can have become `text`.
fn fits(name: &str, text: &str) -> bool {
    let mut literals = Vec::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once("${{") {
        literals.push(before);
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    literals.push(rest);
    // A name that is nothing but an expression fits everything, and so says nothing.
    if literals.iter().all(|literal| literal.trim().is_empty()) {
        return false;
    }
    let (Some(first), Some(last)) = (literals.first(), literals.last()) else { return false };
    if literals.len() == 1 {
        return *first == text;
    }
    let Some(mut rest) = text.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    for literal in &literals[1..literals.len() - 1] {
        let Some((_, after)) = rest.split_once(literal) else { return false };
        rest = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saves(about_seconds: u32) -> Saves {
        Saves {
            builds_seconds: about_seconds + 5,
            restores_packages: false,
            about_seconds,
            pays: about_seconds > 2,
        }
    }

    #[test]
    fn knows_jobs_by_the_names_that_logs_give_them() {
        for (logged, id, name) in [
            ("tests", "tests", None),
            ("CI/tests", "tests", None),
            ("CI/tests-2", "tests", None),
            ("tests (3.12, a/b)", "tests", None),
            ("caller / tests (3.12)", "tests", None),
            ("Unit tests", "tests", Some("Unit tests")),
            ("CI/Unit tests-1", "tests", Some("Unit tests")),
            ("Python 3.12 on linux", "t", Some("Python ${{ matrix.py }} on ${{ matrix.os }}")),
            ("a/b: x/y", "t", Some("a/b: ${{ matrix.z }}")),
        ] {
            let evidence = Evidence::new(vec![(logged.to_owned(), saves(9))]);
            assert_eq!(evidence.of_job(id, name), Some(saves(9)), "{logged}");
        }
        let evidence = Evidence::new(vec![("tests-slow".to_owned(), saves(9))]);
        assert_eq!(evidence.of_job("tests", None), None);
        assert_eq!(evidence.of_job("x", Some("${{ matrix.x }}")), None);
    }

    #[test]
    fn the_leg_that_gains_most_decides() {
        let legs = [1, 9, 3].map(|s| (format!("tests ({s})"), saves(s))).to_vec();
        assert_eq!(Evidence::new(legs).of_job("tests", None), Some(saves(9)));
    }

    /// Else each finding would be compared with all jobs of the logs.
    #[test]
    fn a_job_is_compared_with_those_that_begin_alike() {
        let jobs = (0..500).map(|i| (format!("CI/t{i} (3.{})", i % 7), saves(9))).collect();
        let evidence = Evidence::new(jobs);
        for (name, most) in [("t17", 30), ("t17 (${{ matrix.py }})", 5), ("none", 0)] {
            assert!(evidence.that_may_fit(name).len() <= most, "{name}");
        }
        assert_eq!(evidence.of_job("x", Some("t17 (${{ matrix.py }})")), Some(saves(9)));
        assert_eq!(evidence.of_job("t17", None), Some(saves(9)));
        assert_eq!(evidence.of_job("t", None), None);
    }
}
