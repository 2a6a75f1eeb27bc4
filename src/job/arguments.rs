//! The words of a call as its arguments, once for each value of a loop variable.

use crate::shell::{Call, Word};
use crate::tool::Argument;

/// Values of a loop variable that are looked at one by one.
const MAX_CHOICES: usize = 20;

/// A call once for each value of the loop variable among its words; as it is where there is none,
/// or too many.
pub(super) fn each_choice(call: Call) -> Vec<Call> {
    let choices: Vec<Vec<String>> = call
        .args
        .iter()
        .filter(|word| word.value.is_none())
        .map(Word::choices)
        .filter(|choices| !choices.is_empty())
        .collect();
    let Some(first) = choices.first() else { return vec![call] };
    // Two variables of different loops can meet in more ways than one.
    let same_loop = choices.iter().all(|other| other.len() == first.len());
    if !same_loop || first.len() > MAX_CHOICES {
        return vec![call];
    }
    let chosen = |at: usize| {
        let args = call.args.iter().map(|word| match word.choices().get(at) {
            Some(value) if word.value.is_none() => {
                Word { value: Some(value.clone()), ..word.clone() }
            }
            _ => word.clone(),
        });
        Call { args: args.collect(), ..call.clone() }
    };
    (0..first.len()).map(chosen).collect()
}

/// A word as the tool gets it.
pub(super) fn argument(word: &Word) -> Argument {
    match &word.value {
        Some(value) => Argument::known(value.clone()),
        None => Argument::unknown(word.static_prefix(), word.may_be_several()),
    }
}
