//! Typed parameters out of the plain object that JavaScript passes.
//!
//! Read by name instead of by serde: derived readers for every method's parameters were a tenth of the whole module.

use js_sys::{Array, Number, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use super::error::chit_error;
use super::views::FromText;

/// What is wrong with a parameter, in words; JavaScript gets it as `INVALID_ARGUMENT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadParam(pub(super) String);

impl From<BadParam> for JsValue {
    fn from(bad: BadParam) -> Self {
        chit_error("INVALID_ARGUMENT", &bad.0, &Self::UNDEFINED, false).into()
    }
}

/// A JavaScript object whose fields are read by name.
pub(super) struct Params(JsValue);

impl Params {
    /// The fields of `object`.
    ///
    /// # Errors
    /// [`BadParam`] when it is no object.
    pub(super) fn new(object: JsValue) -> Result<Self, BadParam> {
        if object.is_object() { Ok(Self(object)) } else { Err(BadParam("the parameters are not an object".into())) }
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// [`BadParam`] when it is missing or not of its type.
    pub(super) fn required<T: FromJs>(&self, name: &str) -> Result<T, BadParam> {
        self.optional(name)?.ok_or_else(|| bad(name, "missing"))
    }

    /// A field that may be missing, undefined or null.
    ///
    /// # Errors
    /// [`BadParam`] when it is there and not of its type.
    pub(super) fn optional<T: FromJs>(&self, name: &str) -> Result<Option<T>, BadParam> {
        match self.field(name)? {
            None => Ok(None),
            Some(value) => T::from_js(&value).map(Some).map_err(|why| bad(name, &why)),
        }
    }

    fn field(&self, name: &str) -> Result<Option<JsValue>, BadParam> {
        let value = Reflect::get(&self.0, &name.into()).map_err(|_| bad(name, "not readable"))?;
        Ok(Some(value).filter(|value| !value.is_undefined() && !value.is_null()))
    }
}

fn bad(name: &str, why: &str) -> BadParam {
    BadParam(format!("{name}: {why}"))
}

/// A type that is read from one JavaScript value, strictly: nothing is converted or rounded.
pub(super) trait FromJs: Sized {
    /// The value, or in words what it should have been.
    fn from_js(value: &JsValue) -> Result<Self, String>;
}

impl<T: FromText> FromJs for T {
    fn from_js(value: &JsValue) -> Result<Self, String> {
        T::from_text(&String::from_js(value)?)
    }
}

impl FromJs for String {
    fn from_js(value: &JsValue) -> Result<Self, String> {
        value.as_string().ok_or_else(|| "not a text".into())
    }
}

impl FromJs for bool {
    fn from_js(value: &JsValue) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| "not true or false".into())
    }
}

impl FromJs for u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "only safe, positive integers are cast")]
    fn from_js(value: &JsValue) -> Result<Self, String> {
        let number = value.as_f64().filter(|number| Number::is_safe_integer(value) && *number >= 0.0);
        number.map(|number| number as Self).ok_or_else(|| "not a whole number from 0 up to 2^53 - 1".into())
    }
}

impl FromJs for usize {
    fn from_js(value: &JsValue) -> Result<Self, String> {
        Self::try_from(u64::from_js(value)?).map_err(|_| "too large a number".into())
    }
}

impl FromJs for u32 {
    fn from_js(value: &JsValue) -> Result<Self, String> {
        Self::try_from(u64::from_js(value)?).map_err(|_| "too large a number".into())
    }
}

impl<T: FromJs> FromJs for Vec<T> {
    fn from_js(value: &JsValue) -> Result<Self, String> {
        let items: &Array = value.dyn_ref().ok_or("not a list")?;
        items.iter().map(|item| T::from_js(&item)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Amount;
    use js_sys::{JSON, Object};
    use wasm_bindgen_test::wasm_bindgen_test;

    fn params(json: &str) -> Params {
        Params::new(JSON::parse(json).unwrap()).unwrap()
    }

    #[wasm_bindgen_test]
    fn fields_are_read_by_name_and_type() {
        let read = params(r#"{"text":"x","whole":7,"truth":true,"amount":"12","none":null}"#);
        assert_eq!(read.required::<String>("text"), Ok("x".into()));
        assert_eq!(read.required::<u64>("whole"), Ok(7));
        assert_eq!(read.required::<usize>("whole"), Ok(7));
        assert_eq!(read.required::<bool>("truth"), Ok(true));
        assert_eq!(read.required::<Amount>("amount"), Ok(Amount::new(12)));
        assert_eq!(read.optional::<Amount>("none"), Ok(None));
        assert_eq!(read.optional::<Amount>("other"), Ok(None));
        assert_eq!(read.required::<Amount>("none"), Err(BadParam("none: missing".into())));
    }

    #[wasm_bindgen_test]
    fn nothing_is_converted_or_rounded() {
        let read = params(r#"{"a":-1,"b":1.5,"c":9007199254740992,"d":"5","e":5,"f":1,"g":{}}"#);
        for name in ["a", "b", "c", "d", "g"] {
            assert!(read.required::<u64>(name).is_err(), "{name}");
            assert!(read.optional::<usize>(name).is_err(), "{name}");
        }
        assert!(read.required::<Amount>("e").is_err());
        assert!(read.required::<String>("e").is_err());
        assert!(read.required::<bool>("f").is_err());
        assert!(read.optional::<bool>("g").is_err());
    }

    #[wasm_bindgen_test]
    fn lists_are_read_item_by_item() {
        let read = params(r#"{"some":["1","2"],"none":[],"mixed":["1",2],"text":"12"}"#);
        assert_eq!(read.required::<Vec<Amount>>("some"), Ok(vec![Amount::new(1), Amount::new(2)]));
        assert_eq!(read.required::<Vec<Amount>>("none"), Ok(vec![]));
        for name in ["mixed", "text"] {
            assert!(read.required::<Vec<Amount>>(name).is_err(), "{name}");
        }
    }

    #[wasm_bindgen_test]
    fn only_objects_hold_parameters_and_a_getter_that_throws_is_an_error() {
        for value in [JsValue::UNDEFINED, JsValue::NULL, 5.into(), "{}".into()] {
            assert!(Params::new(value).is_err());
        }
        let accessor = Object::new();
        let throws = js_sys::Function::new_no_args("throw new Error('no')");
        Reflect::set(&accessor, &"get".into(), &throws).unwrap();
        let object = Object::new();
        Object::define_property(&object, &"bad".into(), &accessor);
        let read = Params::new(object.into()).unwrap();
        assert!(read.optional::<String>("bad").is_err());
        assert_eq!(Params::new(Array::new().into()).unwrap().optional::<String>("bad"), Ok(None));
    }
}
