// npm run metrics:document
import { writeFile } from 'node:fs/promises'
import { DOCUMENT, metricsDocument } from './metrics-document.ts'

await writeFile(DOCUMENT, await metricsDocument())
