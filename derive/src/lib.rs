//! `#[derive(Decode)]`: reads what minicbor's `#[derive(Encode)]` writes, by the same attributes.
//!
//! minicbor's own derive reads every type in two loops, one for maps and lists of a known length and one for those that
//! end with a mark, and puts words into every error: a good part of a client's download. No Chit client writes the
//! second kind, so it is refused here. A field that is not known is skipped, and an `Option` may be absent.
//!
//! The code calls `crate::protocol::cbor`, so it is of use in the client's crate only.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Data, DeriveInput, Error, Fields, GenericParam, LitInt, LitStr, Result, Type};

/// Implements minicbor's `Decode` for a struct or an enum.
#[proc_macro_derive(Decode, attributes(cbor, n))]
pub fn decode(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    implementation(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// What `#[cbor(…)]` says. An option that is not known is refused: it might change the bytes.
#[derive(Default)]
struct Options {
    map: bool,
    transparent: bool,
    index_only: bool,
    reader: Option<TokenStream>,
}

impl Options {
    fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("cbor")) {
            attribute.parse_nested_meta(|meta| {
                let path = || -> Result<TokenStream> { meta.value()?.parse::<LitStr>()?.parse() };
                let name = meta.path.to_token_stream().to_string();
                match name.as_str() {
                    "map" => options.map = true,
                    "transparent" => options.transparent = true,
                    "index_only" => options.index_only = true,
                    "with" => {
                        let module = path()?;
                        options.reader = Some(quote!(#module::decode));
                    }
                    "decode_with" => options.reader = Some(path()?),
                    _ => return Err(meta.error("not an option that `Decode` knows")),
                }
                Ok(())
            })?;
        }
        Ok(options)
    }

    fn reader(self) -> TokenStream {
        self.reader.unwrap_or_else(|| quote!(minicbor::Decode::decode))
    }
}

/// The number in `#[n(…)]`.
fn number(attributes: &[Attribute], of: &impl ToTokens) -> Result<u64> {
    let numbered = attributes.iter().find(|attribute| attribute.path().is_ident("n"));
    let numbered = numbered.ok_or_else(|| Error::new_spanned(of, "`#[n(…)]` is missing"))?;
    numbered.parse_args::<LitInt>()?.base10_parse()
}

fn is_option(kind: &Type) -> bool {
    matches!(kind, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Option"))
}

fn implementation(input: &DeriveInput) -> Result<TokenStream> {
    let options = Options::of(&input.attrs)?;
    let body = match &input.data {
        Data::Struct(data) if options.transparent => wrapper(&data.fields)?,
        Data::Struct(data) => fields(&quote!(Self), &data.fields, options.map)?,
        Data::Enum(data) => {
            let mut rows = Vec::new();
            for variant in &data.variants {
                let (name, number) = (&variant.ident, number(&variant.attrs, variant)?);
                let body = match &variant.fields {
                    Fields::Unit if options.index_only => quote!(Ok(Self::#name)),
                    of => fields(&quote!(Self::#name), of, Options::of(&variant.attrs)?.map)?,
                };
                rows.push(quote!(#number => #body,));
            }
            let variant = if options.index_only { quote!(d.u64()?) } else { quote!(cbor::variant(d)?) };
            quote!(match #variant { #(#rows)* other => Err(cbor::unknown_variant(other)) })
        }
        Data::Union(data) => return Err(Error::new_spanned(data.union_token, "a union cannot be read")),
    };
    let name = &input.ident;
    let (_, generics, conditions) = input.generics.split_for_impl();
    let parameters = input.generics.params.iter().map(|parameter| match parameter {
        GenericParam::Lifetime(lifetime) => Ok(lifetime),
        _ => Err(Error::new_spanned(parameter, "only lifetimes are taken")),
    });
    let parameters = parameters.collect::<Result<Vec<_>>>()?;
    Ok(quote! {
        #[automatically_derived]
        impl<'bytes, #(#parameters,)* Ctx> minicbor::Decode<'bytes, Ctx> for #name #generics #conditions {
            #[allow(unused_variables)]
            fn decode(d: &mut minicbor::Decoder<'bytes>, ctx: &mut Ctx) -> Result<Self, minicbor::decode::Error> {
                use crate::protocol::cbor;
                #body
            }
        }
    })
}

/// Reads the only field.
fn wrapper(of: &Fields) -> Result<TokenStream> {
    let mut of_all = of.members().zip(of);
    let (Some((member, field)), None) = (of_all.next(), of_all.next()) else {
        return Err(Error::new_spanned(of, "a transparent struct has one field"));
    };
    let reader = Options::of(&field.attrs)?.reader();
    Ok(quote!(Ok(Self { #member: #reader(d, ctx)? })))
}

/// Reads the fields of a struct or variant from a map of numbers, or from a list.
fn fields(name: &TokenStream, of: &Fields, map: bool) -> Result<TokenStream> {
    let (mut starts, mut rows, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (member, field) in of.members().zip(of) {
        let (number, kind) = (number(&field.attrs, field)?, &field.ty);
        let (local, reader) = (format_ident!("field_{number}"), Options::of(&field.attrs)?.reader());
        let start = if is_option(kind) { quote!(Some(None)) } else { quote!(None) };
        starts.push(quote!(let mut #local: Option<#kind> = #start;));
        rows.push(quote!(#number => #local = Some(#reader(d, ctx)?),));
        values
            .push(quote!(#member: match #local { Some(value) => value, None => return Err(cbor::missing(#number)) },));
    }
    let (length, key) = if map { (quote!(map), quote!(d.u64()?)) } else { (quote!(array), quote!(place)) };
    Ok(quote! {{
        #(#starts)*
        for place in 0..cbor::known(d.#length()?)? {
            match #key { #(#rows)* _ => d.skip()? }
        }
        Ok(#name { #(#values)* })
    }})
}
