//! The reader and the normal form, on statements of our own.

use super::*;

struct One;

impl Sources for One {
    fn columns(&self, source: &str) -> Option<Vec<(String, bool)>> {
        (source == "S").then(|| vec![("K".to_owned(), true), ("A".to_owned(), false)])
    }
}

fn read(select: &str) -> Statement {
    parse(&format!("CREATE STREAM O AS SELECT {select};")).expect("it can be read")
}

fn first(select: &str) -> String {
    let item = read(&format!("{select} FROM S")).select.remove(0);
    normal::normal(item.expr).to_string()
}

#[test]
fn operators_bind_as_in_ksqldbs_grammar() {
    for (text, read) in [
        ("1 + 2 * 3 - 4", "((1 + (2 * 3)) - 4)"),
        ("6 % 4 / 2", "((6 % 4) / 2)"),
        ("1 + 2 < 3 * 4", "((1 + 2) < (3 * 4))"),
        ("not a = b and c or d", "(((NOT (A = B)) AND C) OR D)"),
        ("not a like 'x' and b", "((NOT (A LIKE 'x')) AND B)"),
        ("a and (b and c) and d", "(A AND B AND C AND D)"),
        ("- a * 2", "((- A) * 2)"),
        ("-5 - -6", "(-5 - -6)"),
        ("a->b[1]->c", "A->B[1]->C"),
    ] {
        assert_eq!(first(text), read);
    }
}

#[test]
fn what_can_be_said_in_two_ways_is_one() {
    for (one, other) in [
        ("a != b", "a <> b"),
        ("a between 1 and 2", "(a >= 1) and a <= 2"),
        ("a not between 1 and 2", "NOT (a >= 1 AND a <= 2)"),
        ("a not in (1, 2)", "not (a in (1, 2))"),
        ("a not like 'x'", "not a like 'x'"),
        ("a is not null", "not (a is null)"),
        ("a is not distinct from b", "not (a is distinct from b)"),
        ("count()", "COUNT(*)"),
        ("count(1)", "COUNT(*)"),
        ("ifnull(a, 1)", "coalesce(a, 1)"),
        ("latest_by_offset(a, 2, true)", "latest_by_offset(a, 2)"),
        ("cast(a as varchar)", "cast(a as string)"),
        ("cast(a as array<int>)", "cast(a as array<INTEGER>)"),
        ("case when a then 1 end", "case when a then 1 else null end"),
        ("coalesce(a, cast(null as int))", "coalesce(a, null)"),
        (
            "'2020' <= from_unixtime(windowstart)",
            "'2020' <= windowstart",
        ),
        ("from_unixtime(windowend) < '2020'", "windowend < '2020'"),
        ("`A`", "a"),
        ("s.`A`", "a"),
        ("007", "7"),
        ("1e1", "10E0"),
        ("a || 'b' || c", "concat(a, 'b', c)"),
        (
            "case when a then 1 else case when b then 2 else 3 end end",
            "case when a then 1 when b then 2 else 3 end",
        ),
    ] {
        assert_eq!(first(one), first(other));
    }
}

#[test]
fn what_means_something_else_stays_different() {
    for (one, other) in [
        ("a + b", "b + a"),
        ("1.50", "1.5"),
        ("1", "1E0"),
        ("'a'", "'A'"),
        ("`a`", "a"),
        ("count(a)", "count(*)"),
        ("latest_by_offset(a, false)", "latest_by_offset(a)"),
        ("not (a = b)", "a <> b"),
        ("from_unixtime(a) < '2020'", "a < '2020'"),
        ("from_unixtime(windowend) < a", "windowend < a"),
        ("a and b or c", "a and (b or c)"),
        ("cast(a as decimal(4, 2))", "cast(a as decimal(4, 1))"),
        ("a->b", "a->`b`"),
        ("'it''s'", "'its'"),
    ] {
        assert_ne!(first(one), first(other));
    }
}

fn different(case: &str, ours: &str) -> Vec<String> {
    let read = |text: &str| parse(text).expect("it can be read");
    differences(&read(case), &read(ours), &One, Some("1MIN"))
}

#[test]
fn a_statement_is_equal_to_one_that_writes_everything_out() {
    for (case, ours) in [
        (
            "CREATE STREAM o AS SELECT * FROM s;",
            "CREATE STREAM IF NOT EXISTS `O` WITH (KAFKA_TOPIC='o', PARTITIONS=1) AS SELECT `K` AS `K`, `A` AS `A` FROM `S` EMIT CHANGES;",
        ),
        (
            "CREATE STREAM o AS SELECT * FROM s PARTITION BY abs(a);",
            "CREATE STREAM `O` AS SELECT ABS(`A`) AS `N`, `A` AS `A`, `K` AS `K` FROM `S` PARTITION BY ABS(`A`) EMIT CHANGES;",
        ),
        (
            "CREATE TABLE o WITH (kafka_topic='x') AS SELECT a, k, count(1) FROM s s1 GROUP BY k, a;",
            "CREATE TABLE `O` WITH (KAFKA_TOPIC='x') AS SELECT `K` AS `K`, `A` AS `A`, COUNT(*) AS `N` FROM `S` GROUP BY `K`, `A` EMIT CHANGES;",
        ),
        (
            "CREATE TABLE o AS SELECT k, max(a) b FROM s WINDOW w TUMBLING (SIZE 1 MINUTE) GROUP BY k;",
            "CREATE TABLE `O_1MIN` AS SELECT `K` AS `K`, MAX(`A`) AS `B` FROM `S` WINDOW TUMBLING (SIZE 1 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 1439 MINUTES) GROUP BY `K` EMIT CHANGES;",
        ),
    ] {
        assert_eq!(different(case, ours), Vec::<String>::new());
    }
}

#[test]
fn closures_are_the_same_whatever_their_variables_are_called() {
    let text =
        "CREATE STREAM o AS SELECT REDUCE(FILTER(a, x => x > b), 0, (s, x) => s + x) r FROM t;";
    let renamed = text
        .replace("x => x", "`Y` => `Y`")
        .replace("(s, x) => s + x", "(p, q) => p + q");
    assert_eq!(different(text, &renamed), [""; 0]);
    let nested =
        "CREATE STREAM o AS SELECT TRANSFORM(a, x => TRANSFORM(x, y => x[1] + y)) r FROM t;";
    assert_eq!(different(nested, nested), [""; 0]);
    for other in [
        text.replace("s + x", "x + s"),
        text.replace("x > b", "x > c"),
        text.replace("(s, x) => s + x", "x => x + x"),
    ] {
        assert_ne!(different(text, &other), [""; 0], "{other}");
    }
}

#[test]
fn each_clause_is_compared() {
    let case = "CREATE TABLE o WITH (partitions=2) AS SELECT k, sum(a) b FROM s WINDOW SESSION (1 SECOND, GRACE PERIOD 5 SECONDS) WHERE a > 1 GROUP BY k HAVING sum(a) > 2;";
    for (from, to, what) in [
        ("TABLE", "STREAM", "kind"),
        ("TABLE o", "TABLE p", "name"),
        ("FROM s", "FROM t", "FROM"),
        ("partitions=2", "partitions=3", "PARTITIONS"),
        ("1 SECOND", "2 SECONDS", "WINDOW"),
        ("5 SECONDS", "6 SECONDS", "WINDOW"),
        ("a > 1", "a >= 1", "WHERE"),
        ("BY k", "BY k, a", "GROUP BY"),
        ("> 2", "> 3", "HAVING"),
        ("sum(a) b", "sum(a) c", "name of column 1"),
        ("sum(a) b", "min(a) b", "column 1"),
        ("k, sum(a) b", "k", "SELECT"),
        (";", " EMIT FINAL;", "EMIT FINAL"),
    ] {
        let found = different(case, &case.replace(from, to));
        let named = |text: &String| text.starts_with(&format!("{what}:"));
        assert!(found.iter().any(named), "{to}: {found:?}");
    }
}

struct Two;

impl Sources for Two {
    fn columns(&self, source: &str) -> Option<Vec<(String, bool)>> {
        let names: &[(&str, bool)] = match source {
            "S" => &[("K", true), ("A", false)],
            "T" => &[("K", true), ("B", false)],
            _ => return None,
        };
        Some(
            names
                .iter()
                .map(|(name, key)| ((*name).to_owned(), *key))
                .collect(),
        )
    }
}

fn different_joins(case: &str, ours: &str) -> Vec<String> {
    let read = |text: &str| parse(text).expect("it can be read");
    differences(&read(case), &read(ours), &Two, None)
}

#[test]
fn a_join_is_equal_to_one_that_writes_everything_out() {
    for (case, ours) in [
        (
            "CREATE STREAM o AS SELECT * FROM s x JOIN t WITHIN 1 SECOND ON x.k = t.k WHERE a > b;",
            "CREATE STREAM `O` AS SELECT `X`.`K` AS `X_K`, `X`.`A` AS `X_A`, `T`.`K` AS `T_K`, `T`.`B` AS `T_B` FROM `S` `X` \
             INNER JOIN `T` `T` WITHIN (1 SECONDS, 1000 MILLISECONDS) ON (`T`.`K` = `X`.`K`) WHERE (`X`.`A` > `T`.`B`) EMIT CHANGES;",
        ),
        // A key written of the side that becomes it stands first, whatever was selected before.
        (
            "CREATE STREAM o AS SELECT b, s.k FROM s LEFT OUTER JOIN t ON s.k = t.k;",
            "CREATE STREAM `O` AS SELECT `S`.`K` AS `S_K`, `T`.`B` AS `B` FROM `S` LEFT JOIN `T` ON (`S`.`K` = `T`.`K`) EMIT CHANGES;",
        ),
        // Where either side may be missing ksqlDB makes a column.
        (
            "CREATE TABLE o AS SELECT * FROM s FULL OUTER JOIN t ON s.k = t.k;",
            "CREATE TABLE `O` AS SELECT ROWKEY AS `ROWKEY`, S.K AS `S_K`, S.A AS `S_A`, T.K AS `T_K`, T.B AS `T_B` FROM `S` FULL JOIN `T` ON (`S`.`K` = `T`.`K`);",
        ),
        // By a foreign key the first table's key stays.
        (
            "CREATE TABLE o AS SELECT t.k, b, s.k FROM s JOIN t ON a = t.k;",
            "CREATE TABLE `O` AS SELECT S.K AS `S_K`, T.K AS `T_K`, T.B AS `B` FROM `S` JOIN `T` ON (`S`.`A` = `T`.`K`);",
        ),
    ] {
        assert_eq!(different_joins(case, ours), Vec::<String>::new());
    }
}

#[test]
fn each_part_of_a_join_is_compared() {
    let case = "CREATE STREAM o AS SELECT s.k, a, b FROM s JOIN t WITHIN (1 SECOND, 2 SECONDS) GRACE PERIOD 3 SECONDS ON s.k = t.k;";
    for (from, to, what) in [
        ("JOIN t", "LEFT JOIN t", "JOIN"),
        ("2 SECONDS", "1 SECOND", "JOIN"),
        (" GRACE PERIOD 3 SECONDS", "", "JOIN"),
        ("= t.k", "= b", "JOIN"),
        ("s.k, a, b", "t.k, a, b", "column 0"),
        ("s.k, a, b", "s.k, a, t.k", "column 2"),
        ("s.k, a, b", "a, b", "SELECT"),
    ] {
        let found = different_joins(case, &case.replace(from, to));
        let named = |text: &String| text.starts_with(&format!("{what}:"));
        assert!(found.iter().any(named), "{to}: {found:?}");
    }
}

#[test]
fn what_is_no_such_statement_is_refused_with_the_place() {
    for text in [
        "SELECT a FROM s;",
        "CREATE STREAM o AS SELECT a FROM s",
        "CREATE STREAM o AS SELECT a b c FROM s;",
        "CREATE STREAM o AS SELECT 'a FROM s;",
        "CREATE STREAM o AS SELECT x.a FROM s;",
        "CREATE STREAM o AS SELECT a FROM s WHERE a NOT b;",
        "CREATE STREAM o AS SELECT a FROM s LIMIT 3;",
        "CREATE STREAM o AS SELECT a FROM s JOIN t ON s.a < t.a;",
        "CREATE STREAM o AS SELECT a FROM s LEFT t ON s.a = t.a;",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}
