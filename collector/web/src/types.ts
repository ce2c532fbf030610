// The shapes of the API, under short names. They are generated from collector/api/openapi.json before every build.
import type { components } from './generated/api';

type Schemas = components['schemas'];
export type Session = Schemas['Session'];
export type Units = Schemas['Units'];
export type Period = Schemas['Period'];
export type Portfolio = Schemas['Portfolio'];
export type PortfolioCell = Schemas['PortfolioCell'];
export type PortfolioUnit = Schemas['PortfolioUnit'];
export type Findings = Schemas['Findings'];
export type Finding = Schemas['Finding'];
export type Brief = Schemas['Brief'];
export type Coverage = Schemas['Coverage'];
export type Share = Schemas['Share'];
export type Confidence = Schemas['Confidence'];
