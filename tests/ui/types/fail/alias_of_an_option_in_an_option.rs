use ksql_runtime::prelude::*;

type Maybe = Option<i64>;
type Day = Option<NaiveDate>;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    twice: Option<Maybe>,
    many: Vec<Option<Maybe>>,
    #[datetime_format("yyyy-MM-dd")]
    day: Option<Day>,
}

fn main() {}
