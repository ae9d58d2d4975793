//! The checksum of a dumped value: a CRC of 64 bits with Jones' polynomial, lowest bit first.

/// The polynomial, its bits in reverse.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

/// What a byte does to the checksum that many bytes later.
static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (POLYNOMIAL * (crc & 1));
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut later = 1;
    while later < 8 {
        let mut byte = 0;
        while byte < 256 {
            let crc = tables[later - 1][byte];
            tables[later][byte] = (crc >> 8) ^ tables[0][(crc & 0xff) as usize];
            byte += 1;
        }
        later += 1;
    }
    tables
}

/// The checksum of `bytes`.
pub(super) fn crc64(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut crc = 0;
    for word in words {
        // Eight bytes at once: each has its own table, by how many bytes follow it.
        let mixed = (crc ^ u64::from_le_bytes(*word)).to_le_bytes();
        let parts = mixed.iter().zip(TABLES.iter().rev());
        crc = parts.fold(0, |crc, (byte, table)| crc ^ table[usize::from(*byte)]);
    }
    for byte in rest {
        let [low, ..] = crc.to_le_bytes();
        crc = (crc >> 8) ^ TABLES[0][usize::from(low ^ byte)];
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_the_published_check() {
        assert_eq!(crc64(b""), 0);
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }

    #[test]
    fn many_bytes_at_once_give_what_one_by_one_gives() {
        let bytes: Vec<u8> = (0..=255).cycle().step_by(7).take(1000).collect();
        for length in [0, 1, 7, 8, 9, 63, 64, 65, 1000] {
            let one_by_one = bytes[..length].iter().fold(0_u64, |crc, byte| {
                let [low, ..] = crc.to_le_bytes();
                (crc >> 8) ^ TABLES[0][usize::from(low ^ byte)]
            });
            assert_eq!(crc64(&bytes[..length]), one_by_one, "{length}");
        }
    }
}
