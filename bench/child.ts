import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { BUFFERS_IN_HEAP } from '../examples/cli/count-buffers-in-heap.ts'

/** Examples and benchmarks reach the package by its name. What else this process was started with, a script to evaluate for one, is not for its children. */
const SOURCE = ['-C', 'source']
/** V8 settings for processes of ours: without them external buffers make V8 collect all the time. */
const V8_FLAGS = [...BUFFERS_IN_HEAP, '--initial-heap-size=512']

/** A process of a benchmark, ended with it. */
export interface Child extends AsyncDisposable {
  readonly process: ChildProcess
  /** The next message. @throws when the process ends before it */
  message<T>(): Promise<T>
}

export interface ChildSettings {
  /** Without the V8 settings, as an embedder's process is. */
  readonly plain?: boolean
  /** The one core that it runs on, where `canPin` says so. @default any */
  readonly core?: number | undefined
}

/** Whether processes can be held on one core each, so that those that ask do not slow down the one that is measured. */
export function canPin(): boolean {
  return spawnSync('taskset', ['-c', '0,1', 'true']).status === 0
}

/** Starts a module of this folder in a process of its own, with one JSON argument. */
export function startChild(module: string, options: unknown, settings: ChildSettings = {}): Child {
  const { plain = false, core } = settings
  const flags = [...SOURCE, ...(plain ? [] : V8_FLAGS)]
  const child = fork(new URL(module, import.meta.url), [JSON.stringify(options)], {
    ...(core === undefined
      ? { execArgv: flags }
      : { execPath: 'taskset', execArgv: ['-c', String(core), process.execPath, ...flags] }),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc']
  })
  const ended = new AbortController()
  child.once('exit', (code) => ended.abort(new Error(`${module} ended with ${code}`)))
  return {
    process: child,
    async message<T>() {
      const [message] = await once(child, 'message', { signal: ended.signal })
      return message as T
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill()
      await once(child, 'exit')
    }
  }
}

/** The JSON argument that a child was started with. */
export function childOptions<T>(): T {
  process.on('disconnect', () => process.exit(0))
  return JSON.parse(process.argv[2] ?? '{}') as T
}
