import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { unusedPort } from '../../../src/testing/unused-port.ts'

/** What a query comes to. */
export interface QueryResult {
  readonly status: 'success' | 'error'
  readonly error?: string
  readonly data?: { readonly result: readonly { readonly metric: Record<string, string> }[] }
}

/** A real Prometheus on the loopback, with its data in a directory for the time of a test. */
export class PrometheusServer implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #directory: string
  readonly #url: string

  private constructor(process: ChildProcess, directory: string, url: string) {
    this.#process = process
    this.#directory = directory
    this.#url = url
  }

  /** @param targets hosts with ports, scraped once a second as the job `soma-p2p` */
  static async start(targets: readonly string[], ruleFile: string): Promise<PrometheusServer> {
    const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-prometheus-'))
    const address = `127.0.0.1:${await unusedPort()}`
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [ruleFile],
      scrape_configs: [{ job_name: 'soma-p2p', static_configs: [{ targets }] }]
    }
    await writeFile(join(directory, 'prometheus.yaml'), stringify(config))
    const options = ['--config.file=prometheus.yaml', '--storage.tsdb.path=data', `--web.listen-address=${address}`]
    const child = spawn('prometheus', options, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] })
    const server = new PrometheusServer(child, directory, `http://${address}`)
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-4_000)
    })
    await server.until(async () => {
      if (child.exitCode !== null) throw new Error(`prometheus has ended: ${said}`)
      return await fetch(`${server.#url}/-/ready`).then(
        ({ ok }) => ok,
        () => false
      )
    }, 'Prometheus is ready')
    return server
  }

  async query(query: string): Promise<QueryResult> {
    return (await this.get(`query?${new URLSearchParams({ query })}`)) as QueryResult
  }

  /** What its API answers. */
  async get(path: string): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/v1/${path}`)
    return await response.json()
  }

  /** Waits for something to come true: Prometheus tells of nothing by itself. */
  async until(isSo: () => Promise<boolean>, what: string): Promise<void> {
    const deadline = performance.now() + 30_000
    while (!(await isSo())) {
      if (performance.now() > deadline) throw new Error(`for 30 s this has not come true: ${what}`)
      await sleep(100)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) {
      const exited = once(this.#process, 'exit')
      this.#process.kill()
      await exited
    }
    await rm(this.#directory, { recursive: true, force: true })
  }
}
