//! The check value of gzip (RFC 1952, section 8). flate2's has sixteen kilobytes of tables, which
//! nothing makes smaller, in a Worker that is loaded before it serves.

use std::sync::LazyLock;

/// What a byte comes to that stands before as many others as the table has before it. They are
/// built when they are first needed, in microseconds.
static TABLES: LazyLock<[[u32; 256]; 8]> = LazyLock::new(|| {
    let mut tables = [[0; 256]; 8];
    for byte in 0..256 {
        let mut value = byte as u32;
        for table in &mut tables {
            for _ in 0..8 {
                value = (value >> 1) ^ (0xedb8_8320 * (value & 1));
            }
            table[byte] = value;
        }
    }
    tables
});

/// Of what came before, whose value is `before`, and of these bytes after it; of nothing it is 0.
pub fn crc32(before: u32, bytes: &[u8]) -> u32 {
    let tables = &*TABLES;
    let (eights, rest) = bytes.as_chunks::<8>();
    let value = eights.iter().fold(!before, |value, eight| {
        let mixed = u64::from_le_bytes(*eight) ^ u64::from(value);
        let parts = mixed.to_le_bytes().into_iter().zip(tables.iter().rev());
        parts.fold(0, |value, (byte, table)| value ^ table[usize::from(byte)])
    });
    !rest
        .iter()
        .fold(value, |value, byte| (value >> 8) ^ tables[0][usize::from(value as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_flate2_computes() {
        let bytes: Vec<u8> = (0..1000_u32).map(|n| ((n * n) >> 3) as u8).collect();
        for length in (0..40).chain([1000]) {
            let mut known = flate2::Crc::new();
            known.update(&bytes[..length]);
            assert_eq!(
                crc32(crc32(0, &bytes[..length / 3]), &bytes[length / 3..length]),
                known.sum(),
                "{length} bytes"
            );
        }
    }
}
