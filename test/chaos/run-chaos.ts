import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/runtime/clock.ts'
import { toError } from '../../src/runtime/soma-error.ts'
import { TaskGroup } from '../../src/runtime/task-group.ts'
import { ChaosNetwork, castOf, type Member } from './chaos-network.ts'
import type { ChaosOptions } from './chaos-options.ts'
import { describeFault } from './fault.ts'
import { inject } from './inject.ts'
import { judgeEnd } from './judge-end.ts'
import { Observer } from './observer.ts'
import { type ChaosReport, reportOf } from './report.ts'
import { makeSchedule } from './schedule.ts'
import { WorkClock } from './work-clock.ts'

/** Milliseconds between looks at the nodes. */
const LOOK_MS = 500
/** Milliseconds without progress after which it is told how each node is: what ends as a finding is seen in the making. */
const TELLING_PAUSE_MS = 20_000
/** Milliseconds between the times at which a node collects its garbage and says what it holds. */
const WEIGH_MS = 20_000
/** How long the nodes have for coming to one end once all faults are over, by the clock of their work. */
const CALM_MS = 60_000

export interface RunChaosContext {
  /** Tells people what happens. */
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

/** A run under way. */
interface Run {
  readonly network: ChaosNetwork
  readonly observer: Observer
  readonly workClock: WorkClock
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  readonly onFinding: (finding: string) => void
}

/**
 * Runs a network through the faults of a schedule and judges what is left. Nothing is left running or on the disk, however it ends.
 *
 * @throws the signal's reason
 */
export async function runChaos(options: ChaosOptions, { say, signal }: RunChaosContext): Promise<ChaosReport> {
  const startedMs = performance.now()
  const findings: string[] = []
  let bans = 0
  const onFinding = (finding: string) => {
    if (findings.includes(finding)) return
    findings.push(finding)
    say(`FINDING ${finding}`)
  }
  const cast = castOf(options)
  const faults = makeSchedule({ ...options, ...cast })
  say(
    `seed ${options.seed}: ${faults.length} faults for ${cast.validators.length + cast.fullNodes.length} honest nodes, ${cast.liars.length} of ${options.validators} validators lie`
  )
  const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-chaos-'))
  const onBan = () => {
    bans += 1
  }
  const network = await ChaosNetwork.open({ options, cast, directory, startTimeMs: Date.now(), onFinding, onBan })
  try {
    const observer = new Observer(({ node, kind, ms }) =>
      say(`${node} is back, ${(ms / 1_000).toFixed(1)} s after its ${kind}`)
    )
    const workClock = new WorkClock()
    const run: Run = { network, observer, workClock, signal, say, onFinding }
    await untilAborted(network.start(), signal)
    const looking = new TaskGroup((thrown) => onFinding(toError(thrown).message))
    for (const member of network.members) looking.run((stop) => keepLooking(run, member, stop))
    looking.run((stop) => keepTime(run, stop))
    looking.run((stop) => tellPauses(run, stop))
    looking.run((stop) => keepWeighing(run, stop))
    try {
      await letHappen(faults, run)
      say('calm')
      const height = await settle(run)
      findings.push(...(await judgeEnd(network, height)))
    } finally {
      await looking.stop(new Error('the run is over'))
    }
    for (const { node, kind } of observer.recovering) findings.push(`${node} did not come back after its ${kind}`)
    const requestsToLiars = await network.requestsToLiars()
    const journals = network.journals()
    await network.stop().catch((thrown: unknown) => onFinding(toError(thrown).message))
    const seconds = (performance.now() - startedMs) / 1_000
    return reportOf({
      options,
      faults,
      observer,
      findings,
      bans,
      requestsToLiars,
      journals,
      seconds,
      pace: workClock.pace
    })
  } finally {
    await network.end()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Lets all faults happen when they are due, and resolves when the last is over. */
async function letHappen(
  faults: ReturnType<typeof makeSchedule>,
  { network, observer, signal, say, onFinding }: Run
): Promise<void> {
  const beganMs = performance.now()
  const happening = new TaskGroup((thrown) => onFinding(toError(thrown).message))
  const interrupted = () => happening.stop(toError(signal.reason))
  signal.addEventListener('abort', interrupted, { once: true })
  try {
    for (const fault of faults) {
      happening.run(async (stop) => {
        const sleep = (milliseconds: number) => systemClock.sleep(milliseconds, { signal: stop })
        await sleep(Math.max(0, beganMs + fault.atMs - performance.now()))
        say(describeFault(fault))
        if (fault.kind === 'kill' || fault.kind === 'join') observer.wentDown(fault.node)
        const nodes = await inject(fault, { network, sleep })
        for (const node of nodes) observer.ended(node, fault.kind, performance.now())
      })
    }
    while (happening.size > 0) await systemClock.sleep(LOOK_MS, { signal })
  } finally {
    signal.removeEventListener('abort', interrupted)
    await happening.stop(new Error('the run is over'))
  }
}

/** Ends the chain and gives the nodes time to come to its end. @returns its height */
async function settle({ network, observer, workClock, signal, onFinding }: Run): Promise<number> {
  observer.chainRests()
  await network.letChainRest()
  const deadlineMs = workClock.nowMs + CALM_MS
  while (true) {
    const looks = await Promise.all(network.members.map((member) => network.ask(member, 'look', null)))
    const height = Math.max(...looks.map((look) => look?.highestSynced ?? 0))
    const behind = network.members.filter((_, at) => (looks[at]?.highestExecuted ?? 0) < height)
    if (behind.length === 0 && observer.recovering.length === 0) return height
    if (workClock.nowMs > deadlineMs) {
      for (const { name } of behind)
        onFinding(
          `${name} is not at commit ${height}: ${JSON.stringify(looks[network.members.findIndex((member) => member.name === name)])}`
        )
      return height
    }
    await systemClock.sleep(LOOK_MS, { signal })
  }
}

/** Takes down how a node is until it is stopped. Each has a loop of its own, so that one which is slow to answer hides nothing of the others. */
async function keepLooking(
  { network, observer, workClock, onFinding }: Run,
  member: Member,
  signal: AbortSignal
): Promise<void> {
  const { name } = member
  while (true) {
    const { lives, isUp } = member
    try {
      const look = isUp ? await network.ask(member, 'look', null) : undefined
      if (look !== undefined) {
        observer.saw(name, lives, look, performance.now(), workClock.nowMs)
        for (const part of look.unwell.filter((what) => / failed: /.test(what))) onFinding(`${name}: ${part}`)
      }
    } catch (thrown) {
      onFinding(toError(thrown).message)
    }
    await systemClock.sleep(LOOK_MS, { signal })
  }
}

/** Keeps the clock of the nodes' work going until it is stopped. */
async function keepTime({ network, workClock }: Run, signal: AbortSignal): Promise<void> {
  while (true) {
    await workClock.tick(network.pids, performance.now())
    await systemClock.sleep(LOOK_MS, { signal })
  }
}

/** Tells how each node is once in each pause of the network, until it is stopped. */
async function tellPauses({ network, observer, say }: Run, signal: AbortSignal): Promise<void> {
  let isTold = false
  while (true) {
    await systemClock.sleep(LOOK_MS, { signal })
    const isLong = observer.pauseAt(performance.now()) > TELLING_PAUSE_MS
    if (isLong && !isTold) {
      say(`nobody got on for ${TELLING_PAUSE_MS / 1_000} s after commit ${observer.tip}`)
      for (const { name, isUp } of network.members) say(`  ${name} ${isUp ? observer.lastSeen(name) : 'is down'}`)
    }
    isTold = isLong
  }
}

/** Has the nodes collect their garbage and say what they hold, one after the other, for it takes them a moment, until it is stopped. */
async function keepWeighing({ network, observer }: Run, signal: AbortSignal): Promise<void> {
  const { members } = network
  while (true) {
    for (const member of members) {
      await systemClock.sleep(WEIGH_MS / members.length, { signal })
      const { lives, name, isUp } = member
      const held = isUp ? await network.ask(member, 'held', null) : undefined
      if (held !== undefined) observer.weighed(name, lives, held, performance.now())
    }
  }
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    work.catch(() => undefined) // its end comes with the processes'
  }
}
