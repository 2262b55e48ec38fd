//! One writing of one value, byte for byte: RFC 8785, without fractions, which no certificate holds.

use serde_json::Value;

/// The largest whole number that every reader of JSON keeps exactly (RFC 8785, section 3.2.2.3; RFC 7493, section 2.2).
const LARGEST: i64 = (1 << 53) - 1;

/// The canonical text; none for a number that is not whole or too large.
pub fn canonical(value: &Value) -> Option<String> {
    let mut text = String::new();
    write(value, &mut text)?;
    Some(text)
}

fn write(value: &Value, to: &mut String) -> Option<()> {
    match value {
        Value::Number(number) => {
            let whole = number.as_i64().filter(|whole| (-LARGEST..=LARGEST).contains(whole))?;
            to.push_str(&whole.to_string());
        }
        Value::Array(items) => {
            to.push('[');
            for (nth, item) in items.iter().enumerate() {
                if nth > 0 {
                    to.push(',');
                }
                write(item, to)?;
            }
            to.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            to.push('{');
            for (nth, (name, value)) in fields.into_iter().enumerate() {
                if nth > 0 {
                    to.push(',');
                }
                to.push_str(&Value::from(name.as_str()).to_string());
                to.push(':');
                write(value, to)?;
            }
            to.push('}');
        }
        // Escapes only what must be, `\b \f \n \r \t` by their letters and the rest as `\u00xx` in lower case, as the RFC asks.
        plain => to.push_str(&plain.to_string()),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::canonical;

    #[test]
    fn one_value_has_one_writing() {
        // The strings and the order of names are those of RFC 8785, sections 3.2.2 and 3.2.3.
        let strings: Value =
            serde_json::from_str(r#"{"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"}"#).unwrap();
        assert_eq!(canonical(&strings).unwrap(), "{\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
        let names = json!({"€": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "😀": 5, "\u{80}": 6, "ö": 7});
        let sorted = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}";
        assert_eq!(canonical(&names).unwrap(), sorted);
        assert_eq!(
            canonical(&json!([null, true, -7, {}, [], "\u{7f}\u{1b}"])).unwrap(),
            "[null,true,-7,{},[],\"\u{7f}\\u001b\"]"
        );
        for none in [json!(0.5), json!([1u64 << 53]), json!({"a": 1.0})] {
            assert_eq!(canonical(&none), None, "{none}");
        }
    }
}
