//! Parquet: one file, its columns compressed.

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{Bounded, FormatError};
use crate::Answer;

pub(super) fn write(answer: &Answer, out: &mut Bounded) -> Result<(), FormatError> {
    let limit = out.limit;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let schema = answer.schema.clone();
    let mut writer = ArrowWriter::try_new(&mut out.bytes, schema, Some(properties))?;
    for batch in &answer.batches {
        writer.write(batch)?;
        if writer.bytes_written() > limit {
            return Err(FormatError::TooLarge { limit });
        }
    }
    writer.close()?;
    out.row_done()
}
