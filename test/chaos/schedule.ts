import { type Random, randomInteger, seededRandom, shuffled } from '../../src/runtime/random.ts'
import type { DiskFault } from '../../src/testing/index.ts'
import type { Fault, FaultKind, ScheduledFault } from './fault.ts'
import { LIE_NAMES } from './lie-names.ts'

/** Who there is for faults to befall. */
export interface Cast {
  /** Honest validators. The first is never killed. */
  readonly validators: readonly string[]
  /** The first is never killed, and loses nothing. */
  readonly fullNodes: readonly string[]
  readonly liars: readonly string[]
}

export interface ScheduleInit extends Cast {
  readonly seed: number
  /** Milliseconds in which faults begin and end. */
  readonly durationMs: number
}

/** How often each kind comes, in proportion. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  kill: 5,
  join: 2,
  partition: 3,
  slow: 3,
  tear: 4,
  disk: 5,
  clock: 3,
  lie: 5
}

/** Mean milliseconds between two beginnings. */
const MEAN_GAP_MS = 1_500
/** A node is left in peace by faults of a kind for so long after one of them, so that it comes back in between, on a slow machine as well. */
const PEACE_MS = 8_000
/** After it has lost all its data, a node is not taken down for so long: it has all of the chain to fetch. */
const PEACE_TO_JOIN_MS = 40_000
const SECOND = 1_000
const HOUR = 3_600 * SECOND

const DISK_FAULTS: readonly DiskFault[] = [
  { writes: 'full' },
  { writes: 'broken' },
  { writes: 'unflushed' },
  { reads: true },
  { writes: 'broken', reads: true },
  { delayMs: 100 }
]

/**
 * The faults of a run, in order: the same for the same seed, cast and duration. All have ended when it is over. No two faults of one kind befall a node at the
 * same time; of different kinds they may.
 */
export function makeSchedule(init: ScheduleInit): ScheduledFault[] {
  const random = seededRandom(init.seed)
  const kinds = (Object.keys(WEIGHTS) as FaultKind[]).flatMap((kind) =>
    Array.from({ length: WEIGHTS[kind] }, () => kind)
  )
  const busyUntil = new Map<string, number>()
  const schedule: ScheduledFault[] = []
  for (let atMs = 0; ; ) {
    atMs += Math.round(-Math.log(1 - random.next()) * MEAN_GAP_MS)
    if (atMs >= init.durationMs) return schedule
    const fault = makeFault(kinds[randomInteger(random, kinds.length)] as FaultKind, init, random)
    const endMs = atMs + (fault?.forMs ?? 0)
    if (fault === undefined || endMs > init.durationMs) continue
    const lanes = lanesOf(fault)
    if (lanes.some((lane) => (busyUntil.get(lane) ?? 0) > atMs)) continue
    const peaceMs = fault.kind === 'join' ? PEACE_TO_JOIN_MS : PEACE_MS
    for (const lane of lanes) busyUntil.set(lane, endMs + peaceMs)
    schedule.push({ ...fault, atMs })
  }
}

/** What a fault keeps others of its kind from. There is one partition at a time. */
function lanesOf(fault: Fault): string[] {
  switch (fault.kind) {
    case 'partition':
      return ['partition']
    case 'lie':
      return [] // who is banned makes room for the next
    case 'join':
    case 'kill':
      return [`kill ${fault.node}`]
    default:
      return [`${fault.kind} ${fault.node}`]
  }
}

/** `undefined` where nobody is there whom it can befall. */
function makeFault(kind: FaultKind, { validators, fullNodes, liars }: Cast, random: Random): Fault | undefined {
  const pick = <T>(items: readonly T[]): T | undefined => items[randomInteger(random, items.length)]
  const between = (least: number, most: number) => least + randomInteger(random, most - least)
  const node = pick([...validators, ...fullNodes])
  const forMs = between(SECOND, 8 * SECOND)
  if (node === undefined) return undefined
  switch (kind) {
    case 'kill': {
      const killed = pick([...validators.slice(1), ...fullNodes.slice(1)])
      return killed === undefined ? undefined : { kind, node: killed, forMs: between(200, 4 * SECOND) }
    }
    case 'join': {
      const wiped = pick(fullNodes.slice(1))
      return wiped === undefined ? undefined : { kind, node: wiped, forMs: between(200, 2 * SECOND) }
    }
    case 'partition': {
      const minority = shuffled(random, validators).slice(0, randomInteger(random, Math.ceil(validators.length / 2)))
      const others = shuffled(random, fullNodes).slice(
        0,
        randomInteger(random, fullNodes.length) + (minority.length > 0 ? 0 : 1)
      )
      const nodes = [...minority, ...others]
      const passage = random.next() < 0.6 ? 'blackhole' : 'closed'
      return nodes.length === 0 ? undefined : { kind, nodes, passage, forMs: between(2 * SECOND, 12 * SECOND) }
    }
    case 'slow':
      return { kind, node, delayMs: between(20, 400), megabitsPerSecond: between(1, 20), forMs }
    case 'tear':
      return { kind, node, afterBytes: randomInteger(random, 50_000), forMs: 0 }
    case 'disk':
      return { kind, node, fault: pick(DISK_FAULTS) ?? {}, forMs }
    case 'clock':
      return {
        kind,
        node,
        jumpMs: pick([-30 * 24 * HOUR, -HOUR, -5 * SECOND, 20 * SECOND, HOUR, 30 * 24 * HOUR]) ?? 0,
        forMs
      }
    case 'lie': {
      const liar = pick(liars)
      const lie = pick(LIE_NAMES)
      const as = random.next() < 0.5 ? 'validator' : 'stranger'
      return liar === undefined || lie === undefined ? undefined : { kind, liar, lie, as, forMs: 0 }
    }
  }
}
