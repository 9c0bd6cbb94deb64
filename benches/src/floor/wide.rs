//! [`Wide`] by hand.

use rust_decimal::Decimal;

use super::wire::{Input, Refused, moment, put_decimal, put_long, put_text};
use crate::entities::Wide;

/// The value as it lies in the bytes, decimals as mantissas, times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    pub account: &'a str,
    pub symbol: &'a str,
    pub venue: &'a str,
    pub note: Option<&'a str>,
    pub active: bool,
    pub settled: bool,
    pub side: i32,
    pub kind: i32,
    pub flags: i32,
    pub desk: i32,
    pub filled: i32,
    pub open: i32,
    pub seq: i64,
    pub parent: i64,
    pub trader: i64,
    pub book: i64,
    pub latency: i64,
    pub limit: Option<i64>,
    pub hidden: Option<i32>,
    pub strategy: Option<i32>,
    pub delta: f64,
    pub gamma: f64,
    pub vega: f64,
    pub price: i64,
    pub fee: i64,
    pub notional: i64,
    pub rebate: Option<i64>,
    pub placed: i64,
    pub changed: i64,
    pub expires: Option<i64>,
}

/// Appends the Avro body.
pub fn encode(wide: &Wide, out: &mut Vec<u8>) -> Result<(), Refused> {
    out.reserve(wide.account.len() + wide.symbol.len() + wide.venue.len() + 256);
    put_text(out, &wide.account);
    put_text(out, &wide.symbol);
    put_text(out, &wide.venue);
    match &wide.note {
        None => out.push(0),
        Some(value) => {
            out.push(2);
            put_text(out, value);
        }
    }
    out.push(u8::from(wide.active));
    out.push(u8::from(wide.settled));
    put_long(out, i64::from(wide.side));
    put_long(out, i64::from(wide.kind));
    put_long(out, i64::from(wide.flags));
    put_long(out, i64::from(wide.desk));
    put_long(out, i64::from(wide.filled));
    put_long(out, i64::from(wide.open));
    put_long(out, wide.seq);
    put_long(out, wide.parent);
    put_long(out, wide.trader);
    put_long(out, wide.book);
    put_long(out, wide.latency);
    match wide.limit {
        None => out.push(0),
        Some(value) => {
            out.push(2);
            put_long(out, value);
        }
    }
    match wide.hidden {
        None => out.push(0),
        Some(value) => {
            out.push(2);
            put_long(out, i64::from(value));
        }
    }
    match wide.strategy {
        None => out.push(0),
        Some(value) => {
            out.push(2);
            put_long(out, i64::from(value));
        }
    }
    out.extend_from_slice(&wide.delta.to_le_bytes());
    out.extend_from_slice(&wide.gamma.to_le_bytes());
    out.extend_from_slice(&wide.vega.to_le_bytes());
    put_decimal::<4, 18>(out, &wide.price)?;
    put_decimal::<4, 18>(out, &wide.fee)?;
    put_decimal::<2, 18>(out, &wide.notional)?;
    match &wide.rebate {
        None => out.push(0),
        Some(value) => {
            out.push(2);
            put_decimal::<4, 18>(out, value)?;
        }
    }
    put_long(out, wide.placed.timestamp_millis());
    put_long(out, wide.changed.timestamp_millis());
    match wide.expires {
        None => out.push(0),
        Some(value) => {
            out.push(2);
            put_long(out, value.timestamp_millis());
        }
    }
    Ok(())
}

/// The borrowed row.
pub fn decode_row(body: &[u8]) -> Result<Row<'_>, Refused> {
    let mut input = Input(body);
    Ok(Row {
        account: input.text()?,
        symbol: input.text()?,
        venue: input.text()?,
        note: if input.some()? {
            Some(input.text()?)
        } else {
            None
        },
        active: input.boolean()?,
        settled: input.boolean()?,
        side: input.int()?,
        kind: input.int()?,
        flags: input.int()?,
        desk: input.int()?,
        filled: input.int()?,
        open: input.int()?,
        seq: input.long()?,
        parent: input.long()?,
        trader: input.long()?,
        book: input.long()?,
        latency: input.long()?,
        limit: if input.some()? {
            Some(input.long()?)
        } else {
            None
        },
        hidden: if input.some()? {
            Some(input.int()?)
        } else {
            None
        },
        strategy: if input.some()? {
            Some(input.int()?)
        } else {
            None
        },
        delta: input.double()?,
        gamma: input.double()?,
        vega: input.double()?,
        price: input.mantissa::<18>()?,
        fee: input.mantissa::<18>()?,
        notional: input.mantissa::<18>()?,
        rebate: if input.some()? {
            Some(input.mantissa::<18>()?)
        } else {
            None
        },
        placed: input.millis()?,
        changed: input.millis()?,
        expires: if input.some()? {
            Some(input.millis()?)
        } else {
            None
        },
    })
}

/// The owned struct.
pub fn decode(id: i64, body: &[u8]) -> Result<Wide, Refused> {
    let row = decode_row(body)?;
    Ok(Wide {
        id,
        account: row.account.to_owned(),
        symbol: row.symbol.to_owned(),
        venue: row.venue.to_owned(),
        note: row.note.map(str::to_owned),
        active: row.active,
        settled: row.settled,
        side: row.side,
        kind: row.kind,
        flags: row.flags,
        desk: row.desk,
        filled: row.filled,
        open: row.open,
        seq: row.seq,
        parent: row.parent,
        trader: row.trader,
        book: row.book,
        latency: row.latency,
        limit: row.limit,
        hidden: row.hidden,
        strategy: row.strategy,
        delta: row.delta,
        gamma: row.gamma,
        vega: row.vega,
        price: Decimal::new(row.price, 4),
        fee: Decimal::new(row.fee, 4),
        notional: Decimal::new(row.notional, 2),
        rebate: row.rebate.map(|mantissa| Decimal::new(mantissa, 4)),
        placed: moment(row.placed),
        changed: moment(row.changed),
        expires: row.expires.map(moment),
    })
}
