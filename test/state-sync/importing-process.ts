import { open } from 'node:fs/promises'
import { decodeGenesis } from '../../src/consensus/genesis.ts'
import { fromHex } from '../../src/runtime/hex.ts'
import { importChain } from '../../src/state-sync/import-chain.ts'
import { openLevelStore } from '../../src/storage/level-store.ts'
import { createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'

/** Imports a chain file until it is killed: it tells its parent of the first commits stored, and then takes its time. */
const [path = '', data = '', genesisHex = ''] = process.argv.slice(2)
const genesis = decodeGenesis(fromHex(genesisHex))
const store = await openLevelStore(data, { genesis })
const signatures = createMainThreadVerifier()
process.on('disconnect', () => process.exit(1))
await importChain({
  genesis,
  store,
  file: await open(path),
  signal: new AbortController().signal,
  blockVerifier: createBlockVerifier({
    chainId: genesis.chainId,
    signatures,
    bls: signatures,
    getCommittee: (epoch) => store.getCommittee(epoch)
  }),
  onProgress(progress) {
    if (progress.step === 'import') process.send?.(progress.commit)
  }
})
