import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { levelDirectory } from '../../src/storage/level-directory.ts'

const OPTIONS = { writeBufferBytes: 1024 }

async function directory(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'soma-p2p-level-'))
  context.after(() => rm(path, { recursive: true }))
  await writeFile(join(path, 'CURRENT'), 'MANIFEST-000001\n')
  await writeFile(join(path, 'MANIFEST-000001'), '')
  await writeFile(join(path, '000019.ldb'), 'half of a table')
  return path
}

describe('what is looked at when a database opens', () => {
  it('refuses a table that has lost its end', async (context) => {
    const { inspect } = await levelDirectory(await directory(context), OPTIONS)
    await assert.rejects(
      async () => inspect?.(),
      (thrown) => errorCode(thrown) === 'STORAGE_CORRUPTED'
    )
  })

  it('says of a CURRENT that cannot be read what it says of a directory that cannot', async (context) => {
    const path = await directory(context)
    await rm(join(path, 'CURRENT'))
    await mkdir(join(path, 'CURRENT')) // whatever the user may do, this is no file to be read
    await assert.rejects(levelDirectory(path, OPTIONS), { code: 'STORAGE_OPEN_FAILED' })
  })

  it('lets be what a stop had left half-written, when its name goes to a table that is being written', async (context) => {
    const path = await directory(context)
    const { inspect } = await levelDirectory(path, OPTIONS)
    await writeFile(join(path, '000019.ldb'), 'the beginning of another table')
    await inspect?.()
  })

  it('lets be what a stop had left half-written, when opening has deleted it', async (context) => {
    const path = await directory(context)
    const { inspect } = await levelDirectory(path, OPTIONS)
    await rm(join(path, '000019.ldb'))
    await inspect?.()
  })
})
