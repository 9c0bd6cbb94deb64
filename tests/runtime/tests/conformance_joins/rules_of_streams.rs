//! Rules of two streams within a time, with records of our own: the edges of the time and of its grace, outer joins, three sources.
//! What is expected was worked out by hand from the rule that a test's comment states.

use super::rules::{made, send, started};
use super::*;

stream! { Asked("asked") { #[key] pub id: i64, pub question: String } }

stream! { Answered("answered") { #[key] pub id: i64, pub answer: String } }

table! { Person("persons") { #[key] pub id: i64, pub name: String } }

fn asked(id: i64, question: &str) -> Asked {
    Asked {
        id,
        question: question.to_owned(),
    }
}

fn answered(id: i64, answer: &str) -> Answered {
    Answered {
        id,
        answer: answer.to_owned(),
    }
}

stream! {
    Talk("talks") {
        #[key] pub id: i64,
        pub question: Option<String>,
        pub answer: Option<String>,
    }
}

fn talk(id: i64, question: Option<&str>, answer: Option<&str>) -> Option<Talk> {
    Some(Talk {
        id,
        question: question.map(str::to_owned),
        answer: answer.map(str::to_owned),
    })
}

#[query]
fn both(asked: Stream<Asked>, answered: Stream<Answered>) -> Stream<Talk> {
    asked
        .join(answered, |q, a| q.id == a.id)
        .within("2s", "10s")
        .grace("5s")
        .map(|q, a| Talk {
            id: q.id,
            question: q.question,
            answer: a.answer,
        })
}

/// 8: `within(before, after)` is of the right record from the left one's view, both ends included. A pair has the later of both times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ends_of_the_time_belong_to_it() {
    let mut test = started(both).await;
    send(&mut test, 10_000, asked(1, "q")).await;
    send(&mut test, 7_999, answered(1, "too early")).await;
    send(&mut test, 8_000, answered(1, "first")).await;
    send(&mut test, 20_000, answered(1, "last")).await;
    send(&mut test, 20_001, answered(1, "too late")).await;
    // From the other side: the answer at 20 000 is for questions from 10 000 to 22 000.
    send(&mut test, 22_000, asked(1, "r")).await;
    send(&mut test, 22_002, asked(1, "s")).await;
    assert_eq!(
        made::<Talk>(test).await,
        [
            (10_000, talk(1, Some("q"), Some("first"))),
            (20_000, talk(1, Some("q"), Some("last"))),
            (22_000, talk(1, Some("r"), Some("last"))),
            (22_000, talk(1, Some("r"), Some("too late"))),
        ]
    );
}

stream! {
    LeftTalk("left_talks") {
        #[key] pub id: i64,
        pub question: String,
        pub answer: Option<String>,
    }
}

#[query]
fn left_talks(asked: Stream<Asked>, answered: Stream<Answered>) -> Stream<LeftTalk> {
    asked
        .left_join(answered, |q, a| q.id == a.id)
        .within("10s")
        .grace("5s")
        .map(|q, a| LeftTalk {
            id: q.id,
            question: q.question,
            answer: a.answer,
        })
}

/// 8: with a grace a record without a match comes once, when stream time is beyond its own, the time after it and the grace, with its
/// own timestamp; and only if stream time goes on. One that had a match never comes alone. Late records still match until then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_without_a_match_comes_once_its_time_and_grace_are_over() {
    let mut test = started(left_talks).await;
    let row = |id, question: &str, answer: Option<&str>| {
        Some(LeftTalk {
            id,
            question: question.to_owned(),
            answer: answer.map(str::to_owned),
        })
    };
    send(&mut test, 1_000, asked(1, "alone")).await;
    send(&mut test, 2_000, asked(2, "late answer")).await;
    send(&mut test, 3_000, asked(3, "answered")).await;
    send(&mut test, 3_500, answered(3, "yes")).await;
    // 1 000 + 10 000 + 5 000 is not beyond itself.
    send(&mut test, 16_000, answered(9, "time")).await;
    // Out of order, within the grace.
    send(&mut test, 2_500, answered(2, "at last")).await;
    send(&mut test, 16_001, answered(9, "time")).await;
    send(&mut test, 40_000, answered(9, "time")).await;
    assert_eq!(
        made::<LeftTalk>(test).await,
        [
            (3_500, row(3, "answered", Some("yes"))),
            (2_500, row(2, "late answer", Some("at last"))),
            (1_000, row(1, "alone", None)),
        ]
    );
}

/// 8: what comes when its time and grace are over is neither kept nor matched, and makes no row of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_behind_the_grace_is_left_out() {
    let mut test = started(both).await;
    send(&mut test, 100_000, answered(9, "time")).await;
    send(&mut test, 50_000, asked(1, "late")).await;
    send(&mut test, 50_000, answered(1, "late")).await;
    send(&mut test, 101_000, asked(9, "now")).await;
    assert_eq!(
        made::<Talk>(test).await,
        [(101_000, talk(9, Some("now"), Some("time")))]
    );
}

stream! {
    RightTalk("right_talks") {
        #[key] pub id: i64,
        pub question: Option<String>,
        pub answer: String,
    }
}

#[query]
fn right_talks(asked: Stream<Asked>, answered: Stream<Answered>) -> Stream<RightTalk> {
    asked
        .right_join(answered, |q, a| q.id == a.id)
        .within("10s")
        .grace("0s")
        .map(|q, a| RightTalk {
            id: a.id,
            question: q.question,
            answer: a.answer,
        })
}

/// 8: of a right join the right records come without a match, the left ones never. Without a grace they come once the time is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_right_join_the_right_side_comes_alone() {
    let mut test = started(right_talks).await;
    let row = |id, question: Option<&str>, answer: &str| {
        Some(RightTalk {
            id,
            question: question.map(str::to_owned),
            answer: answer.to_owned(),
        })
    };
    send(&mut test, 1_000, asked(1, "never alone")).await;
    send(&mut test, 1_000, answered(2, "alone")).await;
    send(&mut test, 5_000, asked(3, "before")).await;
    send(&mut test, 6_000, answered(3, "yes")).await;
    send(&mut test, 11_000, asked(9, "time")).await;
    send(&mut test, 11_001, asked(9, "time")).await;
    send(&mut test, 60_000, asked(9, "time")).await;
    assert_eq!(
        made::<RightTalk>(test).await,
        [
            (6_000, row(3, Some("before"), "yes")),
            (1_000, row(2, None, "alone")),
        ]
    );
}

stream! {
    FullTalk("full_talks") {
        #[key] pub id: i64,
        pub question: Option<String>,
        pub answer: Option<String>,
        pub name: Option<String>,
    }
}

#[query]
fn full_talks(
    asked: Stream<Asked>,
    answered: Stream<Answered>,
    persons: Table<Person>,
) -> Stream<FullTalk> {
    asked
        .full_join(answered, |q, a| q.id == a.id)
        .within("10s")
        .grace("5s")
        .left_join(persons, |q, _, p| q.id == p.id)
        .map(|q, a, p| FullTalk {
            id: q.id,
            question: q.question,
            answer: a.answer,
            name: p.name,
        })
}

/// 8: of a full join either side comes alone, the earlier one first. What comes then looks up a row as every record does, when it
/// comes; by a column of the side that is missing there is nothing to compare, and it is left out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_full_join_either_side_comes_alone_and_looks_up_a_row() {
    let mut test = started(full_talks).await;
    let row = |id, question: &str, answer: Option<&str>, name: Option<&str>| {
        Some(FullTalk {
            id,
            question: Some(question.to_owned()),
            answer: answer.map(str::to_owned),
            name: name.map(str::to_owned),
        })
    };
    send(&mut test, 1_000, answered(1, "no question")).await;
    send(&mut test, 2_000, asked(2, "no answer")).await;
    send(&mut test, 3_000, asked(3, "both")).await;
    send(&mut test, 3_100, answered(3, "yes")).await;
    let person = Person {
        id: 2,
        name: "Ann".to_owned(),
    };
    send(&mut test, 3_200, person).await;
    send(&mut test, 30_000, asked(9, "time")).await;
    assert_eq!(
        made::<FullTalk>(test).await,
        [
            (3_100, row(3, "both", Some("yes"), None)),
            (2_000, row(2, "no answer", None, Some("Ann"))),
        ]
    );
}
