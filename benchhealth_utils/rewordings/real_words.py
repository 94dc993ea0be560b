"""Words that one slip of the keyboard makes out of other words.

"Causal" and "casual", "perineal" and "peroneal": a slip that gives one of these could
change what a text says, so none is made. They were found by trying every slip on a medical
vocabulary; spellings of one word ("fibres", "fibers") do not matter and are not here.
"""

from __future__ import annotations

REAL_WORDS = frozenset(
    """
    abduct abuses acetic aches acidity actin addict addicted addiction addicts addition additive
    adduct adducted adduction adducts adheres aerial aesthetic agility alight alteration
    alterations altitude analogies angels annal aorta apart apples apprise aptitude arose arrest
    asses atomic attendees averse avidity babes backing backs baker bakes baking bands bards
    barely baring barley based bases beach beaker beaks bearing beast beasts beating beech
    beings beside bidding bilious billet binding binomial bitter blasts blush board boars
    boasting boasts boating boats bolder bolster bonding boned booming booted booting border
    bother bothers bought bouncing bounding bowing bowls brachial braking breasted breastfed
    breastfeed breathes breaths breed bride brides bring brings bullion bunting bushes busting
    busts butter buying caches calculi calls camping camps capers careers carer carers cares
    caries caring carries carts carving carvings cases casing casings casual casually casualty
    cater caters cation caudal causal causally caves caving cease ceases chance chanted chanting
    charger charted charting chats chatter cheating cheers chipped chopped choral chords chores
    chose chromic chronic cites clams claps class classifies cleaner cleats clever clicks clinic
    clocking clonic closet cloths coiled collision colluded colluding collusion combs coming
    commended compete competed competes competing complains complaint complement compliant
    compliment concave concepts concert concerted concerts conducive conduction cones confirm
    confirmation confirmed conform conformation conformed conforming conforms confusion
    constricted constricting constriction construct constructed constructing construction
    constructor consuls consumes contact contacted contacting contacts contest contested
    contests continent contusion converged converging convert cooked cooker cooking cooled
    cooper coping cords cores corner corps costal costing counties countryside countrywide
    county coupe couples cover covert coveted crate crates crested cries crows curbing cured
    cures curing curse curses cursing cystine cytometric dally dancer daring death decease
    deceased decent decided deciding decode decoded decoding defeating defect defection defects
    defied defies delete deleted deletes deleting deletion deletions demoted dented dentures
    derail derailed derivation derived deriving desert dessert detect detects deviant dimes
    diners dipping diver diverging divers diverted diverting dives diving doing doors dosing
    downing drier dries dripping drive drives drooling drooping dropped dropping droppings drops
    droves drunks ducts dying eaters effusion employers endogenous endovenous endure endures
    enduring ensue ensues ensuing ensured epistasis epistaxis erythematosus erythematous eternal
    eternally ether ethic ethically examine examines excuse excused exert exerts exited exiting
    exits explanation faces facet facial faction factions fading fairy fakes fared fares fated
    father fattening faulty favoring favouring feces fetal fibrin fiction fiend fiends fight
    fights filed filing fillets filling finding finer firearm firearms fireman fires firmer
    flaming fling fooling forces forearm forged forked fouling freeing fried fuller funded
    funders funding funds gains gaping garage gasping gazed gender generic genetic genetically
    genial gives glans globes glucan gnome gnomes graced graces grated grating grins groped
    groping grove groves guess gusts habitation habits habitus handing harding hardy harness
    hated hating haven having heaped hearing hears heating heats hemithorax hemothorax heretic
    heroes heron higher hinting hither hordes horse hoses hunger identifies identify identity
    immoral immorality impatient impeding implant incite incited indeed indices indicted indies
    induces inducing induction inert infarction infection inferior infested infraction
    infractions infusion ingested ingesting inhales injures inline inmate inotropic inpatient
    inset insolent intensify intensity interior interviewers inulin inventive invested investing
    inviting irrigated irrigating irrigation irritated irritating irritation isles joins
    lability laced lager later latter layer leaned leaning leans leasing licked licking
    lightning liked liking limping lined liner lines linger lingua lining lives locking loner
    longs loosing losers loses losses lovers loving lying maker makers makes making malate
    manages manger manly manufactures marched marches marching marital markets marred martial
    mastication mater matter mature mauled meals meats medal medial medially mediate mediated
    mediation medicare medication merges mesial metal metastases metastasis milked minded mined
    miosis missed modes modesty modifies molded money moral morality morning moths moves mucus
    muddle multiples mutans myoma naive neatly nephrin nephron nephrotic nether neural neutral
    nociceptin noses nothing noting observes ocular offices option organ orthotopic overly
    override paced paces pacing packers palate panes panned panning panting pants paranasal
    pared parent parents parties party patent patents patties paving payer payers paying payoff
    pears peasant peeking peeping penrose performed perineal peroneal peroperatively peroral
    pests petty phase phases photos picked picket pieced pieces pinched pints pitting planar
    planed planing planned planning plans plate plated plating played playing pleaded plural
    plying points polled polling polypoid ponds poplar popped posed posted potable potion
    potions potted potting power powered powers precious predictor prefect preformed prelude
    preoperative preoperatively prescribe prescribed prescribes preset pretext previous priced
    prides primes princes probed probes probing promoted promotes promoting prompted prompting
    proscribe proscribed prostate proton proved proves provides proving pubic punched punching
    purse pursed putting qualify quality quantify quantity quinine quinolone quinone rabbis
    racial radial raged rages raging raided raiding raked rally ransom ranting rated rates raton
    raving reagin really realty recommenced recommended refraction refuge refuges refuses regain
    regained regaining regains regard regarded regarding regards regent regents regimes reins
    relating relayed relaying relies relieves relive reliving reminder renin repel researches
    reside resides resting rests retain retained retaining retains retard retarded retarding
    retards retires retraction retraining reuse reused revel revels revere revered reverence
    ribbed rides riding rioting rises rising rockets rotted rotting round sable sacks sacred
    saddled sages sails sales salon salvation sanding sands satin savage saved saving saying
    scaled scape scare scared scarred sclerosis scorch scraped scraping scrapped scraps scrum
    sealing seals seared sears seated seating seats secretin secrets seeds seeing seeping
    selling sells selves sender sending sends sensitizes serious serous setters settles sewed
    sewing shard shards shifts shipping shirts shores shorts shorty shots shred shrugs shuts
    shutting sides siding sifting sighing sight sills simmer simulate simulated simulates
    simulating simulation simulator simulators singing sings sinning sipping sited sitting sized
    sizes skies skimming skipped skipping skulls slash slated slater slice sliced slices slicing
    slider sliders slides slipped slipping slits sliver slotted slurred slurring smokes smother
    snacking snoring snowed snowing soared soaring solder solver sores sorting sorts sowing
    spades spare spender spice spiced spices spies spine spins spires spits spitting split
    splits spokes sported sporting spots spotting spout spouting spring springing springs
    sprinting sprints sprung spurred spurring staged stages staging stain stained staining
    stains staking stale stalked stalking stand standing stands stared stares staring starred
    starring stars started stated states stateside statin stating statins statue statues statute
    stayed staying steak steaks steam steed steered stereotypes sticking stimulants stimulates
    sting stings stingy stints stirs stocking stocky stoke stokes stoma stratum stricture
    strictures strike strikes string stringer stroke strokes stroking strong structure
    structures strung stuck summaries sunset sunsets surfer surfers swearing swears switches
    tables tacked taker taking tales talker tanks tapped tapping teaches teeming tender tending
    tends tenor tensin tests texted texting thereon thirty thongs thoracotomy though thrice
    thrive throes through throughout throughput ticker tiers tiled tiling tilted tinted tipped
    tipping tires topical topped topping tough traced traces tracing tracts traded trader
    traders trades trading trails trainees trainers trans transection transit transplant tread
    treat treats trial tries trill tripe tripled tripped tropic trough trust trusting tubing
    tumor tuned tuning tying unbeatable uncharted underlie underlies underling unelected united
    uptight vagus vanish varies venous verbal vials vices villus violet viral viscus voicing
    voided vomits wagering waking walked walled waned waning warmed warming water waver wedding
    weeding weighed weighing weighs weight widow widows wight winger wingers wisely words wring
    writing
    """.split()
)
