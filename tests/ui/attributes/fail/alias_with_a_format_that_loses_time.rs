use ksql_runtime::prelude::*;

type Moment = DateTime<Utc>;
type Clock = NaiveTime;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[datetime_format("yyyy-MM-dd")]
    at: Moment,
    #[datetime_format("HH:mm")]
    opens: Clock,
}

fn main() {}
