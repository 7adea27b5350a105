import { styleText } from 'node:util'
import { singleLine } from '../../src/runtime/single-line.ts'
import { formatCount, formatMebibytes, formatNumber } from '../devnet/format.ts'
import { duration } from './format-report.ts'
import type { BlockReport, CommitReport, RefReport, StoreReport } from './inspect-reports.ts'

type Row = readonly [name: string, value: string]

/** A commit for people. */
export function formatCommit(report: CommitReport): string {
  const certified =
    report.certifiers.length === 0
      ? 'not in this store'
      : `by ${formatNumber(report.certifiedBy)} of 10,000, quorum ${formatNumber(report.quorum)}`
  return formatRows([
    [
      'commit',
      `${report.index}${report.isLastOfEpoch ? `, the last of epoch ${report.epoch}` : `, epoch ${report.epoch}`}`
    ],
    ['digest', report.digest],
    ['previous', report.previousDigest],
    ['time', report.timestamp],
    ['leader', formatRef(report.leader)],
    [
      'holds',
      `${formatCount(report.blocks.length, 'block')}, ${formatCount(report.transactions, 'transaction')}, ${formatMebibytes(report.bytes)} MiB`
    ],
    ...report.blocks.map((block): Row => ['', `${formatRef(block)} ${formatNumber(block.bytes)} bytes`]),
    ['certified', certified],
    ...report.certifiers.map((ref): Row => ['', formatRef(ref)])
  ])
}

/** Blocks for people. */
export function formatBlocks(reports: readonly BlockReport[]): string {
  return reports
    .map((report) =>
      formatRows([
        ['block', `epoch ${report.epoch}, round ${report.round}, author ${report.author}`],
        ['digest', report.digest],
        ['commit', report.commit === null ? 'none in this store' : String(report.commit)],
        ['time', report.timestamp],
        [
          'holds',
          `${formatCount(report.transactions, 'transaction')} of ${formatNumber(report.transactionBytes)} bytes; ${formatNumber(report.bytes)} bytes in all`
        ],
        ...(report.handsOver ? [['', 'the hand-over to the next epoch'] satisfies Row] : []),
        ...report.votes.map(({ index, digest }, at): Row => [at === 0 ? 'votes' : '', `commit ${index} ${digest}`]),
        ...report.ancestors.map((ref, at): Row => [at === 0 ? 'ancestors' : '', formatRef(ref)])
      ])
    )
    .join('\n\n')
}

/** Epochs that are shown, from the last one back. */
const EPOCHS_SHOWN = 10

/** A store for people. @param now in milliseconds since the Unix epoch */
export function formatStore(report: StoreReport, now: number, stream: NodeJS.WriteStream): string {
  const { highestSynced, highestCertifiable, lowestAvailable, beginning, epochs, halt } = report
  const hidden = epochs.length - EPOCHS_SHOWN
  return formatRows([
    [
      'store',
      `${singleLine(report.path)}, format ${report.formatVersion}, ${formatMebibytes(report.bytes)} MiB in ${formatCount(report.files, 'file')}`
    ],
    ['synced', `to commit ${highestSynced.index}`],
    ['', `digest ${highestSynced.digest}`],
    [
      'serves',
      highestCertifiable < lowestAvailable ? 'no commits yet' : `commits ${lowestAvailable} to ${highestCertifiable}`
    ],
    ...(beginning === null
      ? []
      : [['began', `at the checkpoint of commit ${beginning.index}, in epoch ${beginning.epoch}`] satisfies Row]),
    ...epochs.slice(-EPOCHS_SHOWN).map(({ epoch, firstCommit, lastCommit, committee }, at): Row => {
      const range = lastCommit === null ? `from commit ${firstCommit}` : `commits ${firstCommit} to ${lastCommit}`
      return [
        at === 0 ? 'epochs' : '',
        `${epoch}  ${range}, ${formatCount(committee.validators.length, 'validator')}, ${committee.digest.slice(0, 16)}`
      ]
    }),
    ...(hidden > 0 ? [['', `and ${formatCount(hidden, 'earlier one')} (--json has all)`] satisfies Row] : []),
    ...Object.entries(report.cursors).map(
      ([name, position], at): Row => [at === 0 ? 'cursors' : '', `${singleLine(name)} at commit ${position}`]
    ),
    ['bans', report.bans.length === 0 ? 'none' : formatCount(report.bans.length, 'peer')],
    ...report.bans.map(
      ({ peerId, reason, untilMs }): Row => ['', singleLine(`${peerId} for ${duration(untilMs - now)} more: ${reason}`)]
    ),
    [
      'halted',
      halt === null
        ? 'never'
        : styleText(
            'red',
            singleLine(`${halt.at}, at commit ${halt.highestSynced.index}: ${halt.message} [${halt.code}]`),
            { stream }
          )
    ],
    ...Object.entries(report.records).map(
      ([name, bytes], at): Row => [at === 0 ? 'records' : '', `${singleLine(name)}, ${formatNumber(bytes)} bytes`]
    )
  ])
}

function formatRef({ epoch, round, author, digest }: RefReport): string {
  return `${epoch}/${round}/${author} ${digest}`
}

function formatRows(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}
