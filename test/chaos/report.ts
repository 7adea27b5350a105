import type { Member } from './chaos-network.ts'
import type { ChaosOptions } from './chaos-options.ts'
import type { FaultKind, ScheduledFault } from './fault.ts'
import type { JournalAccount } from './journal.ts'
import { judgeMemory, type ProcessMemory } from './judge-memory.ts'
import { memoryTrend } from './memory-trend.ts'
import type { Observer } from './observer.ts'

/** From so many minutes of faults on, memory that grows is a finding. */
const JUDGED_MINUTES = 10

/** No fault lasts as long, by the clock of the nodes' work: several may meet all honest validators at a time, and those that were killed need time to load. */
const MOST_PAUSE_MS = 30_000
const MIB = 1024 * 1024
/** Kinds of ill health that are told of. */
const MOST_UNWELL = 5

/** How long nodes took to come back, in seconds. */
export interface RecoveryTimes {
  readonly count: number
  readonly median: number
  readonly longest: number
}

/** What came of a run. */
export interface ChaosReport {
  readonly ok: boolean
  readonly seed: number
  readonly minutes: number
  /** With the start and the judgement. */
  readonly seconds: number
  readonly findings: readonly string[]
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>
  readonly commits: number
  readonly epochs: number
  /** The fewest commits in ten seconds on end. */
  readonly lowestProgress: number | undefined
  /** The longest time in which no node got on, in seconds. */
  readonly longestPause: number
  /** The same by the clock that goes as fast as the machine let the nodes work. */
  readonly longestPauseOfWork: number
  /** How fast that clock went: 1 where no node ever waited for a core. */
  readonly pace: number
  readonly recovery: Readonly<Partial<Record<FaultKind, RecoveryTimes>>>
  /** The longest time in which a node that was up executed nothing, in seconds. */
  readonly longestStandstill: number
  /** What nodes said most of themselves while they were not well, with how often it was seen. */
  readonly unwell: Readonly<Record<string, number>>
  readonly bansOfLiars: number
  readonly requestsToLiars: number
  /** Commits that journals tell of, over all nodes and lives. */
  readonly executions: number
  /** Of the processes that lived from beginning to end. */
  readonly memory: readonly ProcessMemory[]
}

export interface ReportInit {
  readonly options: ChaosOptions
  readonly faults: readonly ScheduledFault[]
  readonly observer: Observer
  readonly findings: readonly string[]
  readonly bans: number
  readonly requestsToLiars: number
  readonly journals: readonly { readonly member: Member; readonly account: JournalAccount }[]
  readonly seconds: number
  readonly pace: number
}

export function reportOf(init: ReportInit): ChaosReport {
  const { options, faults, observer, bans, requestsToLiars, journals, seconds, pace } = init
  const minutes = options.durationMs / 60_000
  const memory = observer.lives.flatMap(({ node, mostBytes, ...life }) => {
    const [held, heap] = [memoryTrend(life.held), memoryTrend(life.heap)]
    const lived = held !== undefined && held.minutes >= minutes * 0.9
    return lived && heap !== undefined ? { node, held, heap, mostMiB: mostBytes / MIB } : []
  })
  const findings = [
    ...new Set(init.findings),
    ...(observer.longestPauseOfWork > MOST_PAUSE_MS
      ? [`nobody got on for ${round(observer.longestPauseOfWork / 1_000)} s of work`]
      : []),
    ...(minutes >= JUDGED_MINUTES ? memory.flatMap(judgeMemory) : [])
  ]
  const kinds = [...new Set(faults.map(({ kind }) => kind))].toSorted()
  return {
    ok: findings.length === 0,
    seed: options.seed,
    minutes,
    seconds: round(seconds),
    findings,
    faults: Object.fromEntries(kinds.map((kind) => [kind, faults.filter((fault) => fault.kind === kind).length])),
    commits: observer.tip,
    epochs: observer.epoch + 1,
    lowestProgress: observer.lowestProgress,
    longestPause: round(observer.longestPause / 1_000),
    longestPauseOfWork: round(observer.longestPauseOfWork / 1_000),
    pace: round(pace * 10) / 10,
    recovery: Object.fromEntries(kinds.flatMap((kind) => recoveryOf(kind, observer))),
    longestStandstill: round(Math.max(0, ...Object.values(observer.standstills)) / 1_000),
    unwell: Object.fromEntries([...observer.unwell].toSorted(([, a], [, b]) => b - a).slice(0, MOST_UNWELL)),
    bansOfLiars: bans,
    requestsToLiars,
    executions: journals.reduce((sum, { account }) => sum + account.states.size, 0),
    memory
  }
}

/** For people. */
export function formatReport(report: ChaosReport): string {
  const { faults, recovery, memory, findings } = report
  const total = Object.values(faults).reduce((sum, count) => sum + count, 0)
  const recoveries = Object.entries(recovery).map(
    ([kind, { count, median, longest }]) =>
      `  ${kind.padEnd(9)} ${count} came back, median ${median} s, longest ${longest} s`
  )
  const trends = memory.map(
    ({ node, held, heap, mostMiB }) =>
      `  ${node.padEnd(12)} holds ${held.floorsMiB[0].toFixed(1)} MiB and then ${held.floorsMiB[1].toFixed(1)}, ${signed(held.growthMiBPerMinute)} MiB a minute (heap and buffers ${signed(heap.growthMiBPerMinute)}) over ${held.minutes.toFixed(1)} minutes; ${mostMiB.toFixed(0)} at most with its garbage`
  )
  return [
    '',
    `faults    ${total}: ${Object.entries(faults)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ')}`,
    `chain     ${report.commits} commits, ${report.epochs} epochs; ${report.executions} executions in the journals of all nodes`,
    `progress  ${report.lowestProgress ?? 'unknown'} commits in the worst ten seconds, longest pause ${report.longestPause} s, in which there was time for ${report.longestPauseOfWork} s of work; no node up stood still longer than ${report.longestStandstill} s`,
    `liars     asked ${report.requestsToLiars} times, banned ${report.bansOfLiars} times`,
    'unwell',
    ...Object.entries(report.unwell).map(([what, count]) => `  ${count} times ${what}`),
    'recovery',
    ...recoveries,
    'memory',
    ...trends,
    `run       ${report.seconds} s, seed ${report.seed}; the nodes could work in ${Math.round(report.pace * 100)} % of the time in which they had to`,
    ...findings.map((finding) => `FINDING   ${finding}`),
    report.ok ? 'all honest nodes agree' : `${findings.length} findings`
  ].join('\n')
}

function recoveryOf(kind: FaultKind, { recoveries }: Observer): [FaultKind, RecoveryTimes][] {
  const times = recoveries
    .filter((one) => one.kind === kind)
    .map(({ ms }) => round(ms / 1_000))
    .toSorted((a, b) => a - b)
  const [median, longest] = [times[Math.floor(times.length / 2)], times.at(-1)]
  return median === undefined || longest === undefined ? [] : [[kind, { count: times.length, median, longest }]]
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(2)}`
}
