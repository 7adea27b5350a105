import { makeBenchChain } from './bench-chain.ts'
import { catchUp } from './catch-up.ts'
import { startChild } from './child.ts'
import { type BenchContext, type Figure, figureBeside, median } from './figure.ts'
import { linkBefore } from './link-before.ts'
import type { TcpEndsOptions, TcpRate } from './tcp-ends.ts'

const MIB = 2 ** 20
/** 10 MiB a second in each direction, and 50 ms each way. */
const LINK = { megabitsPerSecond: (10 * MIB * 8) / 1e6, delayMs: 50 }
/** Blocks of about 4 kB: ten transactions of 400 bytes. */
const BLOCKS_OF_4_KB = { validators: 4, transactions: 10, transactionBytes: 400 }

/** Catching up from 1, 2, 4 and 8 peers over links of 10 MiB/s and 50 ms, beside bare TCP over such links, or beside what the node reaches without them where that is less. */
export async function benchPeers({ directory, runs, smoke, log }: BenchContext): Promise<Figure[]> {
  const crowds = smoke ? [1, 2] : [1, 2, 4, 8]
  /** Servers of the catch-up without slow links: as many as those of `sync-full`. */
  const servers = smoke ? 1 : 3
  /** 200 MiB over each link, as far as the chain goes. */
  const perPeer = smoke ? 100 : 12_500
  const commits = Math.min(perPeer * 2, perPeer * Math.max(...crowds))
  log(`making a chain of ${commits} commits`)
  const chain = await makeBenchChain(directory, { commits, ...BLOCKS_OF_4_KB })
  for (let server = 0; server < Math.max(servers, ...crowds); server++) await chain.copy(`server-${server}`)
  const unthrottled: number[] = []
  const measured = crowds.map((peers) => ({ peers, rates: [] as number[], tcp: [] as number[] }))
  for (let run = 1; run <= runs; run++) {
    const free = await catchUp(chain, directory, { peers: servers, name: `free-${run}` })
    unthrottled.push(free.bytes / MIB / free.seconds)
    log(`run ${run} of ${runs}: ${unthrottled.at(-1)?.toFixed(1)} MiB/s without slow links`)
    for (const { peers, rates, tcp } of measured) {
      tcp.push((await tcpRate(peers, smoke ? 500 : 5_000)) / MIB)
      const upTo = Math.min(commits, perPeer * peers)
      const { bytes, seconds } = await catchUp(chain, directory, {
        peers,
        name: `${peers}-${run}`,
        commits: upTo,
        link: LINK
      })
      rates.push(bytes / MIB / seconds)
      log(
        `run ${run} of ${runs}, ${peers} peers: ${rates.at(-1)?.toFixed(1)} MiB/s in ${seconds.toFixed(1)} s, TCP ${tcp.at(-1)?.toFixed(1)}`
      )
    }
  }
  return measured.map(({ peers, rates, tcp }) => {
    const isBound = median(tcp) > median(unthrottled)
    return figureBeside({
      benchmark: 'peers',
      case: peers === 1 ? '1 peer' : `${peers} peers`,
      unit: 'MiB/s',
      values: rates,
      against: isBound ? `${servers} servers without slow links` : 'bare TCP over the same links',
      againstValues: isBound ? unthrottled : tcp,
      goal: { least: 0.9 }
    })
  })
}

/** Bytes a second that come through so many links from one process that only writes. */
async function tcpRate(links: number, milliseconds: number): Promise<number> {
  await using started = new AsyncDisposableStack()
  const ends = started.use(startChild('tcp-ends.ts', { milliseconds } satisfies TcpEndsOptions))
  const { address } = await ends.message<{ address: string }>()
  const ports: number[] = []
  for (let link = 0; link < links; link++) {
    const { proxy } = await linkBefore(address, LINK)
    started.defer(() => proxy.stop())
    ports.push(proxy.address.port)
  }
  ends.process.send(ports)
  const { bytes, seconds } = await ends.message<TcpRate>()
  return bytes / seconds
}
