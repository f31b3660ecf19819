/**
 * Files of usage as Parquet. Quantities are texts: a decimal column of Parquet has 38 digits, a quantity up to 76. Times
 * are instants in microseconds.
 */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { SchemaElement } from 'hyparquet-writer'
import { columnsOf } from './usage-export-row.ts'
import type { Column, FileAbout, FileRow, FileRows } from './usage-export-row.ts'

/** Rows of one row group: what is kept in memory at once. */
export const limits = { groupRows: 50_000 } as const

function schemaOf(columns: readonly Column[]): SchemaElement[] {
  const elements = columns.map(({ name, kind }): SchemaElement => {
    if (kind === 'instant') {
      const unit = 'MICROS'
      return {
        name,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MICROS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit },
        repetition_type: 'REQUIRED',
      }
    }
    return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }
  })
  return [{ name: 'usage', num_children: elements.length }, ...elements]
}

function valueOf({ name, of }: Column, row: FileRow): string | bigint | null {
  if (name === 'from') return BigInt(row.from)
  if (name === 'to') return BigInt(row.to)
  return of(row)
}

/** Hands out what was written since the last time, and keeps nothing of it. */
function takeFrom(writer: ByteWriter): Buffer {
  const taken = Buffer.from(writer.getBytes())
  writer.index = 0
  return taken
}

export async function* parquetOf(about: FileAbout, pieces: FileRows): AsyncGenerator<Buffer> {
  const columns = columnsOf(about)
  const writer = new ByteWriter()
  const file = new ParquetWriter({
    writer,
    schema: schemaOf(columns),
    kvMetadata: Object.entries(about.facts).map(([key, value]) => ({ key, value })),
    createdBy: 'crossfoot',
  })
  let waiting: FileRow[] = []
  const writeGroup = async (): Promise<Buffer> => {
    const rows = waiting.splice(0, limits.groupRows)
    await file.write({
      columnData: columns.map((column) => ({ name: column.name, data: rows.map((row) => valueOf(column, row)) })),
      rowGroupSize: limits.groupRows,
    })
    return takeFrom(writer)
  }
  for await (const rows of pieces) {
    waiting = waiting.concat(rows)
    while (waiting.length >= limits.groupRows) yield await writeGroup()
  }
  if (waiting.length > 0) yield await writeGroup()
  await file.finish()
  yield takeFrom(writer)
}
