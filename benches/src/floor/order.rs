//! [`Order`] by hand.

use rust_decimal::Decimal;

use super::wire::{Input, Refused, moment, put_decimal, put_long, put_text};
use crate::entities::Order;

/// An order's value as it lies in the bytes, the decimal as a mantissa of scale 4, the time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    pub customer: &'a str,
    pub amount: i64,
    pub qty: i32,
    pub ts: i64,
}

/// Appends the Avro body.
#[inline]
pub fn encode(order: &Order, out: &mut Vec<u8>) -> Result<(), Refused> {
    out.reserve(order.customer.len() + 40);
    put_text(out, &order.customer);
    put_decimal::<4, 18>(out, &order.amount)?;
    put_long(out, i64::from(order.qty));
    put_long(out, order.ts.timestamp_millis());
    Ok(())
}

/// The borrowed row.
#[inline]
pub fn decode_row(body: &[u8]) -> Result<Row<'_>, Refused> {
    let mut input = Input(body);
    Ok(Row {
        customer: input.text()?,
        amount: input.mantissa::<18>()?,
        qty: input.int()?,
        ts: input.millis()?,
    })
}

impl Row<'_> {
    /// The owned struct.
    #[inline]
    pub fn owned(self, id: i64) -> Order {
        Order {
            id,
            customer: self.customer.to_owned(),
            amount: Decimal::new(self.amount, 4),
            qty: self.qty,
            ts: moment(self.ts),
        }
    }
}

/// The owned struct.
#[inline]
pub fn decode(id: i64, body: &[u8]) -> Result<Order, Refused> {
    Ok(decode_row(body)?.owned(id))
}
