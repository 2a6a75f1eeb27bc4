// What both halves of the stand-in share: the libraries, and inputs read as actions/cache reads them.
import { pathToFileURL } from 'node:url';

// The libraries lie in the harness's tool folder; act copies only this folder.
const library = (name) => import(pathToFileURL(`${process.env.E2E_NODE_MODULES}/${name}`).href);
export const cache = await library('@actions/cache/lib/cache.js');
export const core = await library('@actions/core/lib/core.js');

export const lines = (name) =>
  core.getInput(name).split('\n').map((line) => line.trim()).filter((line) => line !== '');

// actions/cache compares keys without regard to case.
export const sameKey = (a, b) => a.localeCompare(b, undefined, { sensitivity: 'accent' }) === 0;
