import type { Clock } from '../runtime/clock.ts'
import { singleLine } from '../runtime/single-line.ts'

/** What kind of thing happened: docs/logs.md has each of them, and what to do. */
export type NodeEventKind =
  | 'started'
  | 'stopping'
  | 'stopped'
  | 'fell-behind' // the chain is further than this node by much: at the start, or later
  | 'progress' // how a node that is behind comes on, every ten seconds; told, and not kept
  | 'caught-up'
  | 'stuck' // the chain does not come on, and why
  | 'going-on' // it does again
  | 'halted'
  | 'epoch'
  | 'banned'
  | 'ban-lifted'
  | 'spared' // a peer that the operator chose would have been banned
  | 'refused' // what a peer told of others was refused
  | 'isolated' // nobody is connected
  | 'company' // somebody is again
  | 'health' // of a part of the node, that of the executor apart
  | 'executor'
  | 'failed' // the node goes down by an error of its own
  | 'embedder' // whatever the embedder has to tell

/** Something that an operator would want to know. */
export interface NodeEvent {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number
  readonly level: 'info' | 'warn' | 'error'
  readonly kind: NodeEventKind
  /** For people, in one line. */
  readonly text: string
  /** The peer that it is about. */
  readonly peerId?: string
  /** What of it machines may want: commit, epoch, code, milliseconds. */
  readonly data?: Readonly<Record<string, string | number | boolean>>
}

/** An event as the parts of the node tell it. */
export type NewEvent = Omit<NodeEvent, 'atMs'>

/** Events that are kept. */
const CAPACITY = 100
/** Characters kept of a text: peers may have written part of it. */
const MOST_CHARACTERS = 2_000
/** So many of a kind are told one by one in each span of time, and then their number: peers can cause some as often as they like, and a chain may have many short epochs. */
const TOLD_AT_ONCE = 5
const SPAN_MS = 60_000

interface Span {
  readonly since: number
  told: number
  /** Those not told. */
  more: number
  last: NewEvent | undefined
}

/** What happened to a node lately: a short memory, in which no flood drives out the rest, and a line of the log for each. A flood is a few lines a minute. */
export class NodeEvents {
  readonly #clock: Clock
  readonly #tell: (event: NodeEvent) => void
  readonly #recent: NodeEvent[] = []
  /** By what {@link sortOf} tells apart. */
  readonly #spans = new Map<string, Span>()

  /** @param tell called with each event. It must not throw */
  constructor(clock: Clock, tell: (event: NodeEvent) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** The newest last. */
  get recent(): readonly NodeEvent[] {
    return [...this.#recent]
  }

  add(event: NewEvent | undefined): void {
    if (event === undefined) return
    const now = this.#clock.monotonic()
    this.sum()
    const sort = sortOf(event)
    const span = this.#spans.get(sort) ?? { since: now, told: 0, more: 0, last: undefined }
    this.#spans.set(sort, span)
    if (span.told < TOLD_AT_ONCE) {
      span.told += 1
      this.#keep(event)
    } else {
      span.more += 1
      span.last = event
    }
  }

  /** Tells what is not worth keeping. */
  mention(event: NewEvent | undefined): void {
    if (event !== undefined) this.#tell({ atMs: this.#clock.now(), ...event })
  }

  /** Tells how many events there were beyond those told. To be called now and then. */
  sum(): void {
    const now = this.#clock.monotonic()
    for (const [sort, { since, more, last }] of this.#spans) {
      if (now - since < SPAN_MS) continue
      this.#spans.delete(sort)
      if (last === undefined) continue
      const { data, ...rest } = last
      this.#keep({
        ...rest,
        text: `${more} more of this kind within a minute; the last: ${last.text}`,
        data: { ...data, more }
      })
    }
  }

  #keep(event: NewEvent): void {
    const kept = { atMs: this.#clock.now(), ...event, text: singleLine(event.text, MOST_CHARACTERS) }
    this.#recent.push(kept)
    if (this.#recent.length > CAPACITY) this.#forgetOne()
    this.#tell(kept)
  }

  /** The oldest of the sort that there is most of makes room: hours of bans leave in sight that the sync halted before. */
  #forgetOne(): void {
    const counts = new Map<string, number>()
    for (const event of this.#recent) counts.set(sortOf(event), (counts.get(sortOf(event)) ?? 0) + 1)
    const most = Math.max(...counts.values())
    this.#recent.splice(
      this.#recent.findIndex((event) => counts.get(sortOf(event)) === most),
      1
    )
  }
}

/** What has a flood of its own: the disk is heard though a peer makes another part flicker, and the operator's own ban in a storm of others. */
function sortOf({ kind, level, data }: NewEvent): string {
  return `${kind} ${level} ${data?.part ?? ''}`
}
