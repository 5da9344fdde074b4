//! @Plural@.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod sql;
pub mod update;

@uses@

@enums@trireme::record! {
    /// @A@.
    pub struct @Record@@life@ {
        #[schemars(example = &"01a1f8d4-0170-7f29-b0c2-1d2e3f405162")]
        pub id: Uuid,
@fields@
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
        /// Counts the changes; it is the `ETag`.
        #[schemars(range(min = 1))]
        pub version: i64,
    }
    etag { version }
    sorts {
@sorts@
    }
}
@refused@
