// Exports what later steps and cache keys read: pythonLocation, PATH, the exact version.
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const location = process.env.E2E_PYTHON_LOCATION;
const version = execFileSync(`${location}/bin/python`, ['-c', 'import platform; print(platform.python_version())'], {
  encoding: 'utf8',
  timeout: 30_000,
}).trim();
appendFileSync(process.env.GITHUB_ENV, `pythonLocation=${location}\n`);
appendFileSync(process.env.GITHUB_OUTPUT, `python-version=${version}\n`);
console.log(`Successfully set up CPython (${version})`);
