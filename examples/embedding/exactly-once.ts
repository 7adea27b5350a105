// A consumer that is killed in the middle, and misses and repeats nothing: node -C source examples/embedding/exactly-once.ts
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { createNode } from 'soma-p2p'
import { buildChain, writeChain } from 'soma-p2p/testing'

const [directory, seed, dieAt] = process.argv.slice(2)
await (directory === undefined || seed === undefined ? watch() : consume(directory, seed, Number(dieAt)))

/** Counts what every author has had committed. The counts and the position of the last commit counted change in one transaction, or not at all. */
async function consume(directory: string, seed: string, dieAt: number): Promise<void> {
  const ledger = openLedger(directory)
  const position = ledger.prepare('SELECT position FROM progress')
  const moveOn = ledger.prepare('UPDATE progress SET position = ?')
  const count = ledger.prepare('INSERT INTO blocks VALUES (?, 1) ON CONFLICT DO UPDATE SET committed = committed + 1')

  const genesis = await readFile(join(directory, 'genesis.bin'))
  const node = await createNode({ genesis, store: join(directory, 'chain'), seeds: [seed] })
  await node.start()
  process.once('SIGTERM', () => node.stop())

  // The name keeps what is not yet consumed from being pruned. Where to begin is for the ledger to say: it alone knows what it holds.
  const from = Number(position.get()?.position) + 1
  console.log(`begins at commit ${from}`)
  for await (const { commit, blocks } of node.subscribe({ name: 'counter', from })) {
    ledger.exec('BEGIN')
    for (const { ref } of blocks) count.run(ref.author)
    if (commit.ref.index === dieAt) process.kill(process.pid, 'SIGKILL') // the worst moment: counted, and the position is still the old one
    moveOn.run(commit.ref.index)
    ledger.exec('COMMIT')
    console.log(`consumed ${commit.ref.index}`)
  }
  ledger.close()
}

function openLedger(directory: string): DatabaseSync {
  const ledger = new DatabaseSync(join(directory, 'ledger.sqlite'))
  ledger.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS blocks (author INTEGER PRIMARY KEY, committed INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS progress (position INTEGER NOT NULL);
    INSERT INTO progress SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM progress)`)
  return ledger
}

/** Makes a chain and a node that serves it, lets the consumer be killed in the middle of commits 40 and 90, and compares in the end what it has counted with the chain. */
async function watch(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'exactly-once-'))
  const chain = buildChain({ commits: 150 })
  await writeFile(join(directory, 'genesis.bin'), chain.genesis.bytes)
  const peer = await createNode({ genesis: chain.genesis })
  await writeChain(peer.store, chain.commits)
  await peer.start()
  const [seed] = peer.addresses()

  await life(40)
  await life(90)
  await life()

  const expected = new Map<number, number>()
  for (const { subDag } of chain.commits)
    for (const { ref } of subDag.blocks) expected.set(ref.author, (expected.get(ref.author) ?? 0) + 1)
  const ledger = openLedger(directory)
  const counted = ledger.prepare('SELECT author, committed FROM blocks').all()
  const isEqual =
    counted.length === expected.size && counted.every((row) => expected.get(Number(row.author)) === row.committed)
  console.log(isEqual ? 'every block of the chain counted once' : `counted ${JSON.stringify(counted)}`)
  process.exitCode = isEqual ? 0 : 1
  ledger.close()
  await peer.stop()
  await rm(directory, { recursive: true })

  /** One life of the consumer, which is killed in the middle of a commit, or asked to end when it has consumed the last. */
  async function life(dieAt?: number): Promise<void> {
    const args = [...process.execArgv, fileURLToPath(import.meta.url), directory, String(seed), String(dieAt)]
    const consumer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(consumer, 'exit')
    for await (const line of createInterface({ input: consumer.stdout })) {
      if (line.startsWith('begins')) console.log(line)
      if (line === `consumed ${chain.commits.length}`) consumer.kill('SIGTERM')
    }
    const [exitCode, signal] = await ended
    console.log(signal === null ? `ended with exit code ${exitCode}` : `killed by ${signal} in commit ${dieAt}`)
  }
}
