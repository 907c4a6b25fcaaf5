//! Rows as Parquet bytes, with texts of ours in the file's key-value metadata.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;

/// Key-value metadata of a Parquet file.
pub type Metadata = BTreeMap<String, String>;

/// Fewer rows than this are not compressed: a context of zstd for each column, to write and again to read, takes longer
/// than everything else about so small a file, most of which is metadata.
const COMPRESSED_FROM: usize = 256;

/// Encodes `rows` (zstd, if they are many) as one Parquet file that carries `metadata`.
pub fn encode(rows: &RecordBatch, metadata: &Metadata) -> Result<Bytes, ParquetError> {
    let pairs = metadata
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()))
        .collect::<Vec<_>>();
    let compression = match rows.num_rows() {
        0..COMPRESSED_FROM => Compression::UNCOMPRESSED,
        _ => Compression::ZSTD(ZstdLevel::default()),
    };
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_key_value_metadata(Some(pairs))
        .build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, rows.schema(), Some(properties))?;
    writer.write(rows)?;
    writer.close()?;
    Ok(Bytes::from(file))
}

/// Every row of a Parquet file as one batch, and its metadata.
pub fn decode(file: Bytes) -> Result<(RecordBatch, Metadata), ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let metadata = pairs(builder.metadata());
    // The reader adds the file's metadata to the schema; the tables' schemas have none.
    let schema = Arc::new(Schema::new(builder.schema().fields().clone()));
    let batches = builder
        .build()?
        .map(|batch| RecordBatch::try_new(schema.clone(), batch?.columns().to_vec()))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((concat_batches(&schema, &batches)?, metadata))
}

/// The column `name` of a Parquet file's rows, in pieces; no other one is decoded.
pub fn decode_column(file: Bytes, name: &str) -> Result<Vec<ArrayRef>, ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let at = builder.schema().index_of(name)?;
    let only = ProjectionMask::roots(builder.parquet_schema(), [at]);
    let batches = builder.with_projection(only).build()?;
    batches.map(|batch| Ok(batch?.column(0).clone())).collect()
}

/// The metadata of a Parquet file; no row is decoded.
pub fn metadata(file: &Bytes) -> Result<Metadata, ParquetError> {
    Ok(pairs(&ParquetMetaDataReader::new().parse_and_finish(file)?))
}

fn pairs(metadata: &ParquetMetaData) -> Metadata {
    metadata
        .file_metadata()
        .key_value_metadata()
        .into_iter()
        .flatten()
        .filter_map(|pair| Some((pair.key.clone(), pair.value.clone()?)))
        .filter(|(key, _)| key != "ARROW:schema")
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type};

    use super::*;
    use crate::Table;

    #[test]
    fn rows_and_metadata_come_back() {
        let written = Metadata::from([("tidemill.end".to_owned(), "7 \"ä\"".to_owned())]);
        for table in Table::all() {
            let rows = RecordBatch::new_empty(table.schema());
            let file = encode(&rows, &written).unwrap();
            assert_eq!(metadata(&file).unwrap(), written);
            assert_eq!(decode(file).unwrap(), (rows, written.clone()));
        }
    }

    #[test]
    fn a_column_comes_back_alone() {
        let schema = Schema::new(vec![
            Field::new("a", DataType::Int64, false),
            Field::new("b", DataType::Int64, false),
        ]);
        let column = |first: i64| Arc::new(Int64Array::from_iter_values(first..first + 5_000));
        let rows = RecordBatch::try_new(schema.into(), vec![column(0), column(7)]).unwrap();
        let file = encode(&rows, &Metadata::new()).unwrap();
        let pieces = decode_column(file.clone(), "b").unwrap();
        let found = pieces
            .iter()
            .flat_map(|piece| piece.as_primitive::<Int64Type>().values());
        assert!(found.copied().eq(7..5_007));
        let none = decode_column(file, "c").unwrap_err().to_string();
        assert!(none.contains("\"c\""), "{none}");
    }

    #[test]
    fn torn_files_are_errors() {
        let file = encode(
            &RecordBatch::new_empty(Table::Ticks.schema()),
            &Metadata::new(),
        )
        .unwrap();
        for length in [0, 4, file.len() - 1] {
            assert!(metadata(&file.slice(..length)).is_err());
            assert!(decode(file.slice(..length)).is_err());
        }
    }
}
