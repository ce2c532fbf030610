import { mount } from 'svelte';
import './daylight.css';
import App from './App.svelte';

mount(App, { target: document.getElementById('app')! });
