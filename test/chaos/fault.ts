import type { DiskFault, Passage } from '../../src/testing/index.ts'
import type { LieName } from './lie-names.ts'

/** Something that goes wrong. Nodes are meant by their names; what lasts says for how many milliseconds. */
export type Fault =
  /** `kill -9`, and a start again after a while. */
  | { readonly kind: 'kill'; readonly node: string; readonly forMs: number }
  /** The same with the loss of all its data: it joins anew, with a liar among its seeds. */
  | { readonly kind: 'join'; readonly node: string; readonly forMs: number }
  /** These nodes and all others do not reach each other. Their consensus rests meanwhile, as that of a minority does. */
  | {
      readonly kind: 'partition'
      readonly nodes: readonly string[]
      readonly passage: Exclude<Passage, 'open'>
      readonly forMs: number
    }
  /** The links by which others reach it. */
  | {
      readonly kind: 'slow'
      readonly node: string
      readonly delayMs: number
      readonly megabitsPerSecond: number
      readonly forMs: number
    }
  /** Those links break after at most so many bytes more. */
  | { readonly kind: 'tear'; readonly node: string; readonly afterBytes: number; readonly forMs: 0 }
  | { readonly kind: 'disk'; readonly node: string; readonly fault: DiskFault; readonly forMs: number }
  /** Its wall clock jumps, and back at the end. */
  | { readonly kind: 'clock'; readonly node: string; readonly jumpMs: number; readonly forMs: number }
  /** A Byzantine validator lies in another way from now on, under its own identity or a new one. */
  | {
      readonly kind: 'lie'
      readonly liar: string
      readonly lie: LieName
      readonly as: 'validator' | 'stranger'
      readonly forMs: 0
    }

export type FaultKind = Fault['kind']

/** A fault and when it begins, in milliseconds after the network has begun. */
export type ScheduledFault = Fault & { readonly atMs: number }

/** One line for people. */
export function describeFault(fault: Fault): string {
  const { kind, forMs, ...rest } = fault
  const { atMs: _, ...details } = rest as typeof rest & { atMs?: number }
  const what = Object.entries(details).map(
    ([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`
  )
  return `${kind.padEnd(9)} ${what.join(', ')}${forMs > 0 ? `, for ${(forMs / 1_000).toFixed(1)} s` : ''}`
}
